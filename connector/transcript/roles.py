"""Who a speaker label stands for. In: the vendor's role identification. Out: speaker, role and how it was decided.

Never decides by order of speaking (seating.py may guess by it): a label without the vendor's word stays a guess for
the clinician to settle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.clinical.word_lists import word_set
from connector.errors import Misconfigured
from connector.transcript.cleaning import clean_text, read_dict

_LABEL = re.compile(r"[A-Z]{1,2}|[0-9]{1,3}|[0-9]+[A-Z]")
_UNATTRIBUTED = frozenset({"UNKNOWN", "PENDING", "NULL", "NONE"})
_UNNAMED = re.compile(r"Speaker [A-Z0-9]{1,4}|Unknown speaker")


_CLINICIANS = word_set(
    """
    clinician doctor provider physician nurse practitioner therapist dr gp surgeon dentist midwife psychologist
    psychiatrist counselor counsellor physiotherapist dietitian pharmacist
    """
)
_PATIENTS = frozenset({"patient", "client", "resident", "service user"})
_TWO = 2


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker: the vendor's label, the role shown, and `vendor` or `guess` for who decided it."""

    speaker: str
    role: str
    role_from: str


def name_roles(roles: Sequence[str], *, sides: Sequence[str] = ()) -> tuple[str, str]:
    """Which of the roles are the clinician's and the patient's: by `sides` where they are named, else by their words,
    never by their order. Raises Misconfigured where neither can be told."""
    if sides:
        if len(sides) != _TWO or not set(sides) <= set(roles) or sides[0] == sides[1]:
            raise Misconfigured(
                "CONNECTOR_SPEECH_CHANNELS must name two of CONNECTOR_SPEECH_ROLES, the clinician's first."
            )
        return sides[0], sides[1]
    clinician = next((role for role in roles if role.strip().casefold() in _CLINICIANS), None)
    patient = next((role for role in roles if role.strip().casefold() in _PATIENTS), None)
    others = [role for role in roles if role not in (clinician, patient)]
    if len(roles) == _TWO and len(others) == 1:
        clinician, patient = clinician or others[0], patient or others[0]
    if clinician is None or patient is None:
        raise Misconfigured(
            "CONNECTOR_SPEECH_ROLES do not tell which role is the clinician's and which the patient's: name the two, "
            "the clinician's first, in CONNECTOR_SPEECH_CHANNELS."
        )
    return clinician, patient


def read_roles(answer: dict[str, Any]) -> dict[str, str]:
    """Return the vendor's mapping of labels to roles, empty where there is none."""
    response = read_dict(read_dict(answer.get("speech_understanding")).get("response"))
    mapping = read_dict(read_dict(response.get("speaker_identification")).get("mapping"))
    pairs = {clean_text(label): clean_text(role) for label, role in mapping.items()}
    return {label: role for label, role in pairs.items() if label and role and role.upper() not in _UNATTRIBUTED}


def is_unnamed(role: str) -> bool:
    """Whether a role only repeats the recogniser's label, because nobody said whose it is."""
    return _UNNAMED.fullmatch(role) is not None


def read_voice(value: Any, roles: dict[str, str]) -> Voice:
    """Return the voice behind the speaker value of an utterance or word.

    With role identification the value may be the label (`A`) or already the role (`Doctor`); without it the role is
    `Speaker A`, and a guess.
    """
    said = clean_text(value)
    if said in roles:
        return Voice(said, roles[said], "vendor")
    if not said:
        return Voice("A", "Speaker A", "guess")
    if said.upper() in _UNATTRIBUTED:
        return Voice("?", "Unknown speaker", "guess")
    if _LABEL.fullmatch(said):
        return Voice(said, f"Speaker {said}", "guess")
    labels = [label for label, role in roles.items() if role == said]
    return Voice(labels[0] if len(labels) == 1 else said, said, "vendor")
