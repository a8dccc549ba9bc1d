"""The answer's schema is strict at every object."""

import pytest
from jsonschema import Draft202012Validator

from connector.drafting.schema import answer_schema


def objects(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)


def test_it_is_a_valid_schema_with_a_key_for_each_section(soap) -> None:
    schema = answer_schema(soap)
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["subjective", "objective", "assessment", "plan"]


def test_every_object_is_closed_and_requires_all_its_keys(soap) -> None:
    found = list(objects(answer_schema(soap)))
    assert len(found) == 5
    for one in found:
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"])


SENTENCE = {"text": "Reports pain.", "turns": ["t1"], "chart": []}
EMPTY = {"subjective": [], "objective": [], "assessment": [], "plan": []}


@pytest.mark.parametrize(
    "answer",
    [
        {**EMPTY, "extra": []},
        {key: [] for key in ("subjective", "objective", "assessment")},
        {**EMPTY, "plan": "rest"},
        {**EMPTY, "plan": [{"text": "Rest.", "turns": ["t1"]}]},
        {**EMPTY, "plan": [{**SENTENCE, "certainty": 1}]},
        {**EMPTY, "plan": [{**SENTENCE, "turns": [1]}]},
    ],
)
def test_another_shape_does_not_validate(soap, answer) -> None:
    assert not Draft202012Validator(answer_schema(soap)).is_valid(answer)


def test_the_shape_asked_for_validates(soap) -> None:
    assert Draft202012Validator(answer_schema(soap)).is_valid({**EMPTY, "subjective": [SENTENCE]})
