"""The shape a model must answer in. In: a NoteType. Out: a strict JSON Schema. Never loosens it for any vendor."""

from __future__ import annotations

from connector.drafting.note_type import NoteType


def answer_schema(note_type: NoteType) -> dict[str, object]:
    """JSON Schema of the model's answer: one key per section, each a list of {text, turns, chart}.

    Strict as OpenAI-compatible endpoints ask for it: every object closed (`additionalProperties: false`) and every key
    required. `turns` are turn ids of the transcript, `chart` relative FHIR references.
    """
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [section.key for section in note_type.sections],
        "properties": {
            section.key: {"type": "array", "description": section.title, "items": _statement()}
            for section in note_type.sections
        },
    }


def _statement() -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["text", "turns", "chart"],
        "properties": {
            "text": {"type": "string"},
            "turns": {"type": "array", "items": {"type": "string"}},
            "chart": {"type": "array", "items": {"type": "string"}},
        },
    }
