"""What a launch will be able to do. In: the granted scopes and what the site wants. Out: what is missing, in sentences.

It is told before a recording begins, so that nobody finds out at the end; a scope that was not asked for is never used.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.launch.scopes import ResourceScope, parse_scopes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted beyond reading the chart and filing a DocumentReference; `encounter`: the launch names one."""

    composition: bool = False
    provenance: bool = False
    encounter: bool = True


@dataclass(frozen=True, slots=True)
class MissingAbility:
    """One thing that will not be possible in this launch. `key` is stable; `sentence` is for the clinician.

    `files` is False where the note cannot be filed at all, and has to be copied out.
    """

    key: str
    sentence: str
    files: bool = True


@dataclass(frozen=True, slots=True)
class _Reading:
    key: str
    letter: str
    resource: str
    missing: str
    partly: str
    category: str | None = None


_READINGS = (
    _Reading(
        "patient",
        "r",
        "Patient",
        "The patient's record cannot be read: check the name and birth date in the EHR.",
        "The patient's record can be read only in part: check the name and birth date in the EHR.",
    ),
    _Reading(
        "medications",
        "s",
        "MedicationRequest",
        "Medications cannot be read from the chart: the note is not compared with them.",
        "Only some medications can be read from the chart: the note is compared with an incomplete list.",
    ),
    _Reading(
        "allergies",
        "s",
        "AllergyIntolerance",
        "Allergies cannot be read from the chart: the note is not compared with them. There may be some.",
        "Only some allergies can be read from the chart: the note is compared with an incomplete list.",
    ),
    _Reading(
        "problems",
        "s",
        "Condition",
        "Problems cannot be read from the chart.",
        "Only some problems can be read from the chart.",
        category="problem-list-item",
    ),
    _Reading(
        "vitals",
        "s",
        "Observation",
        "Vital signs cannot be read from the chart.",
        "Only some vital signs can be read from the chart.",
        category="vital-signs",
    ),
    _Reading(
        "labs",
        "s",
        "Observation",
        "Laboratory results cannot be read from the chart.",
        "Only some laboratory results can be read from the chart.",
        category="laboratory",
    ),
)
_ENCOUNTER = _Reading(
    "encounter",
    "r",
    "Encounter",
    "The encounter cannot be read: the note names it, but not its kind and reason.",
    "The encounter may not be readable: the note then names it, but not its kind and reason.",
)
_NOTE_CATEGORY = "clinical-note"


def find_missing(
    granted_scope: str, *, wanted: Wanted, renewable: bool, identified: bool
) -> tuple[MissingAbility, ...]:
    """Compare what was granted with what each ability needs; in the order a clinician meets them, () when all is there.

    `renewable`: the EHR gave a refresh token. `identified`: a practitioner was proven by the id_token.
    """
    granted = parse_scopes(granted_scope)
    readings = (*_READINGS[:1], _ENCOUNTER, *_READINGS[1:]) if wanted.encounter else _READINGS
    found = [missing for reading in readings if (missing := _judge(reading, granted)) is not None]
    if not identified:
        sentence = (
            "Nobody can sign in this launch: the EHR did not prove who you are. You will be able to copy the note."
        )
        found.append(MissingAbility("sign", sentence, files=False))
    found += _judge_filing(granted, wanted)
    if not renewable:
        sentence = "The EHR's access runs out and is not renewed: you may have to open the scribe again before filing."
        found.append(MissingAbility("renewal", sentence))
    return tuple(found)


def may(granted_scope: str, letter: str, *, resource: str, user: bool = False, category: str | None = None) -> bool:
    """Whether the granted scopes allow `letter` on the resource type at all; `user`: beyond the launch's patient.

    With a `category` (a code), scopes confined to other categories do not count.
    """
    return any(
        scope.touches(letter, resource=resource)
        and (not user or scope.context == "user")
        and (category is None or not _confined_to_others(scope, category))
        for scope in parse_scopes(granted_scope)
    )


def _judge(reading: _Reading, granted: tuple[ResourceScope, ...]) -> MissingAbility | None:
    if any(scope.covers(reading.letter, resource=reading.resource, category=reading.category) for scope in granted):
        return None
    some = [scope for scope in granted if scope.touches(reading.letter, resource=reading.resource)]
    if reading.category is not None:
        some = [scope for scope in some if not _confined_to_others(scope, reading.category)]
    return MissingAbility(reading.key, reading.partly if some else reading.missing)


def _confined_to_others(scope: ResourceScope, category: str) -> bool:
    """Whether a category filter of the scope leaves the wanted one out."""
    named = [value.split(",") for name, value in scope.filters if name == "category"]
    return any(category not in [token.rpartition("|")[2] for token in tokens] for tokens in named)


def _judge_filing(granted: tuple[ResourceScope, ...], wanted: Wanted) -> list[MissingAbility]:
    def allows(letter: str, resource: str, category: str | None = None) -> bool:
        return any(scope.covers(letter, resource=resource, category=category) for scope in granted)

    if not allows("c", "DocumentReference", _NOTE_CATEGORY):
        return [MissingAbility("file", "You will be able to copy the note, not file it.", files=False)]
    found = []
    if not allows("r", "DocumentReference", _NOTE_CATEGORY):
        sentence = "The note can be sent to the EHR, but not read back: check in the chart that it arrived whole."
        found.append(MissingAbility("read-back", sentence))
    if not allows("s", "DocumentReference", _NOTE_CATEGORY):
        sentence = "If the EHR's answer to filing is lost, you will have to look in the chart whether the note arrived."
        found.append(MissingAbility("find-again", sentence))
    if wanted.composition and not allows("c", "Composition"):
        found.append(MissingAbility("composition", "The note cannot be filed in sections, only as one document."))
    if wanted.provenance and not (allows("c", "Provenance") or allows("u", "Provenance")):
        sentence = "Who signed and what drafted the note is filed in its text only, not as a record of its own."
        found.append(MissingAbility("provenance", sentence))
    return found
