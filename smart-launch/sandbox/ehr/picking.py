"""In: a granted scope, perhaps an EHR launch, and what was picked on the page. Out: the launch that is approved.
Never approves for a clinician, patient or encounter the FHIR server does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from .chart import list_patients
from .clinicians import Clinician
from .encounters import name_clinician
from .interactions import ID
from .launch_requests import choose_encounter
from .launches import Launch
from .mischief import MischiefRefused
from .parts import EhrParts
from .refusals import Refusal

ANSWERS = ("practitioner", "decision", "patient", "encounter", "q", "mischief")


class PickRefused(Exception):
    """What was picked cannot be used; the message is for the page."""


@dataclass(frozen=True)
class Wanted:
    """What has to be picked before the app gets its code."""

    clinician: bool
    patient: bool
    encounter: bool

    @property
    def anything(self) -> bool:
        """True when the page has to be shown."""
        return self.clinician or self.patient


def find_wanted(scope: str, launch: Launch | None) -> Wanted:
    """A clinician unless one is signed in; a patient where the app asks for one and the EHR has not named one."""
    asked = scope.split()
    patient = "launch/patient" in asked and (launch is None or not launch.patient)
    return Wanted(
        clinician=launch is None or launch.practitioner is None,
        patient=patient,
        encounter=patient and "launch/encounter" in asked and (launch is None or not launch.encounter),
    )


async def settle_launch(
    parts: EhrParts, launch: Launch | None, answers: Mapping[str, str], *, wanted: Wanted, client_id: str
) -> tuple[Launch, str]:
    """The launch to approve and the clinician `Practitioner/ID`. Raises PickRefused, or Refusal 502."""
    clinician = await _find_clinician(parts, launch, answers.get("practitioner", ""))
    if clinician is None:
        raise PickRefused("The picked clinician is not known here.")
    settled = launch or Launch(
        client_id=client_id,
        patient="",
        encounter=None,
        practitioner=None,
        need_patient_banner=True,
        is_standalone=True,
    )
    if wanted.patient:
        patient = await _find_patient(parts, answers.get("patient", ""))
        encounter = settled.encounter
        if wanted.encounter:
            encounter = await _find_encounter(parts, patient, answers.get("encounter", ""), clinician=clinician)
        settled = replace(settled, patient=patient, encounter=encounter)
    elif wanted.clinician and settled.encounter:
        await name_clinician(parts.upstream, settled.encounter, clinician=clinician)
    if launch is None:
        settled = parts.oauth.launches.open_launch(settled)
        _take_mischief(parts, settled, answers.get("mischief", ""))
    return settled, clinician.reference


async def describe_choices(
    parts: EhrParts, wanted: Wanted, answers: Mapping[str, str], *, today: date
) -> dict[str, Any]:
    """What the page needs to show the choices. Raises Refusal 502."""
    search = answers.get("q", "").strip()
    return {
        "clinicians": await parts.clinicians.list_clinicians() if wanted.clinician else [],
        "patients": await list_patients(parts.upstream, search, today=today) if wanted.patient else [],
        "wanted": wanted,
        "q": search,
        "answers": answers,
    }


def _take_mischief(parts: EhrParts, launch: Launch, names: str) -> None:
    parts.mischief.note_launch(launch.launch_id, launch.client_id)
    try:
        parts.mischief.add([name for name in names.split(",") if name], launch_id=launch.launch_id)
    except MischiefRefused as error:
        raise PickRefused(str(error)) from error


async def _find_clinician(parts: EhrParts, launch: Launch | None, picked: str) -> Clinician | None:
    if launch is not None and launch.practitioner is not None:
        return await parts.clinicians.find_clinician(launch.practitioner)
    kind, _, number = picked.partition("/")
    if kind != "Practitioner" or not ID.match(number):
        return None
    return await parts.clinicians.find_clinician(picked)


async def _find_patient(parts: EhrParts, picked: str) -> str:
    number = picked.removeprefix("Patient/")
    if not ID.match(number) or await parts.upstream.read(f"Patient/{number}") is None:
        raise PickRefused("The picked patient is not known here.")
    return number


async def _find_encounter(parts: EhrParts, patient: str, picked: str, *, clinician: Clinician) -> str | None:
    try:
        return await choose_encounter(parts, patient, picked or None, clinician=clinician)
    except Refusal as refusal:
        if refusal.status >= 500:
            raise
        raise PickRefused(refusal.text) from refusal
