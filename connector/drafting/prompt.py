"""The request to the model. In: note type, transcript, chart context, templates. Out: chat messages.

Chart and speech go in as JSON with < > & escaped, so nothing said or charted can close the block it stands in. Never
puts the patient's name, birth date, identifiers or contact data in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector.drafting.note_type import NoteType
from connector.drafting.plain import plain_lines, plain_text
from connector.errors import Misconfigured
from connector.records import Allergy, Measurement, Medication, PatientContext, Problem, Section, Transcript

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
_OLDEST_SHOWN = 89


@dataclass(frozen=True, slots=True)
class PromptTemplates:
    """The two compiled templates of a note type; `version` goes into the draft's stamp."""

    system: Template
    user: Template
    version: str

    @classmethod
    def from_sources(cls, system: str, user: str, version: str) -> PromptTemplates:
        """Compiles jinja2 text (system: `title`, `sections`; user: `title`, `visit`, `chart`, `transcript`).

        Raises Misconfigured where a template does not parse.
        """
        # Prompts are text, not HTML: what goes in is JSON with its own escaping.
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        try:
            return cls(environment.from_string(system), environment.from_string(user), version)
        except TemplateError as error:
            raise Misconfigured(f"templates/prompts: a template of {version} does not parse") from error


def build_messages(
    *,
    note_type: NoteType,
    transcript: Transcript,
    context: PatientContext,
    consent_line: str,
    templates: PromptTemplates,
) -> list[dict[str, str]]:
    """Two chat messages, system and user, as `{"role", "content"}`; raises Misconfigured on an unknown variable."""
    try:
        system = templates.system.render(title=note_type.title, sections=note_type.sections)
        user = templates.user.render(
            title=note_type.title,
            visit=_fenced(_visit(transcript, context, consent_line)),
            chart=_fenced(_chart(context)),
            transcript=_turn_lines(transcript),
        )
    except TemplateError as error:
        raise Misconfigured(
            f"templates/prompts: a template of {templates.version} asks for an unknown value"
        ) from error
    return [{"role": "system", "content": system.strip()}, {"role": "user", "content": user.strip()}]


def _fenced(data: object) -> str:
    """JSON in which no `<`, `>` or `&` stands, so that it cannot close or open a block."""
    return json.dumps(data, ensure_ascii=False, separators=(", ", ": ")).translate(_ESCAPES)


def _turn_lines(transcript: Transcript) -> str:
    """A JSON array with one turn per line, which both people and models read better than one long line."""
    lines = [
        _fenced({"id": turn.turn_id, "role": plain_text(turn.role), "text": plain_lines(turn.text)})
        for turn in transcript.turns
    ]
    return "[\n" + ",\n".join(lines) + "\n]"


def _visit(transcript: Transcript, context: PatientContext, consent_line: str) -> dict[str, object]:
    person = context.patient.items[0] if context.patient.items else None
    encounter = context.encounter.items[0] if context.encounter.items else None
    today = context.stamp.at.date()
    return {
        "patient": {
            "age_years": _age(person.birth_date, today) if person and person.birth_date else None,
            "sex": plain_text(person.sex) if person and person.sex else None,
        },
        "encounter": {
            "kind": plain_text(encounter.kind) if encounter and encounter.kind else None,
            "reason": plain_text(encounter.reason) if encounter and encounter.reason else None,
        },
        "capture": transcript.origin,
        "consent": plain_text(consent_line),
        "transcript_warnings": [plain_text(warning) for warning in transcript.warnings],
    }


def _age(birth: date, today: date) -> int | str | None:
    """Whole years; ages from 90 are one class, as 45 CFR 164.514(b)(2)(i)(C) aggregates them."""
    years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    if years < 0:
        return None
    return years if years <= _OLDEST_SHOWN else "90 or older"


def _chart(context: PatientContext) -> dict[str, object]:
    return {
        "medications": _section(context.medications, [_medication(item) for item in context.medications.items]),
        "allergies": _section(context.allergies, [_allergy(item) for item in context.allergies.items]),
        "problems": _section(context.problems, [_problem(item) for item in context.problems.items]),
        "vitals": _section(context.vitals, [_measurement(item) for item in context.vitals.items]),
        "labs": _section(context.labs, [_measurement(item) for item in context.labs.items]),
    }


def _section(
    section: Section[Medication] | Section[Allergy] | Section[Problem] | Section[Measurement],
    entries: list[dict[str, object]],
) -> dict[str, object]:
    return {"state": section.state.value, "entries": entries}


def _medication(item: Medication) -> dict[str, object]:
    shown = {"ref": item.source.reference, "name": item.name, "status": item.status, "dosage": item.dosage}
    return _told({**shown, "as_needed": item.as_needed or None, "patient_reported": item.reported or None})


def _allergy(item: Allergy) -> dict[str, object]:
    if item.none_known:
        return {"ref": item.source.reference, "statement": "no known allergies"}
    shown = {"ref": item.source.reference, "substance": item.substance, "reactions": list(item.reactions) or None}
    return _told({**shown, "criticality": item.criticality, "verification": item.verification})


def _problem(item: Problem) -> dict[str, object]:
    onset = item.onset.isoformat() if item.onset else None
    shown = {"ref": item.source.reference, "name": item.name, "clinical_status": item.clinical_status}
    return _told({**shown, "category": item.category, "onset": onset})


def _measurement(item: Measurement) -> dict[str, object]:
    taken = item.taken.date().isoformat() if item.taken else None
    return _told({"ref": item.source.reference, "name": item.name, "value": item.value, "taken": taken})


def _told(entry: Mapping[str, object]) -> dict[str, object]:
    """The entry without empty values and with every string plain."""
    return {key: _plain(value) for key, value in entry.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value
