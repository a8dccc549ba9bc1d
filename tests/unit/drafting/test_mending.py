"""Slips of form in a model's JSON are mended; what it says never changes, and what breaks off is left alone."""

from __future__ import annotations

import json

import pytest

from connector.drafting.mending import MOST_MENDED, mend_json

WHOLE = '{"plan": [{"text": "Take 0.5 mg, not 5 mg.", "turns": ["t1"], "chart": []}]}'


def test_what_can_be_read_stays_as_it_is():
    mended = mend_json(WHOLE)
    assert (mended.text, mended.repaired) == (WHOLE, False)


@pytest.mark.parametrize(
    "slip",
    [
        WHOLE[:-1],
        f"Here is the note:\n```json\n{WHOLE}\n```",
        WHOLE.replace("[]}", "[],}"),
        WHOLE.replace('"turns"', "'turns'"),
        WHOLE.replace("Take 0.5", "Take\n0.5"),
        WHOLE.replace("not", '\\"not\\"').replace('\\"', '"'),
    ],
    ids=["a bracket missing", "a fence", "a comma too many", "other quotes", "a line break", "quotes inside"],
)
def test_a_slip_of_form_is_mended_and_every_word_kept(slip):
    with pytest.raises(ValueError):
        json.loads(slip)
    mended = mend_json(slip)
    assert mended.repaired
    (sentence,) = json.loads(mended.text)["plan"]
    assert " ".join(sentence["text"].replace('"', "").split()) == "Take 0.5 mg, not 5 mg."
    assert (sentence["turns"], sentence["chart"]) == (["t1"], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot write this note.",
        WHOLE[:30],
        '{"plan": [{"text": "Take 0.5 mg, not',
        WHOLE[:-1] + " and more]",
        '{"plan": [], "plan": [{"text": "a"}]',
        '{"plan": [{"text": "a"} // a remark\n]}',
        "{" * 100_000 + "}",
        '{"plan": [' + "1," * MOST_MENDED + "]",
    ],
    ids=["nothing", "prose", "cut off", "cut off in a word", "words behind", "a key twice", "a remark", "deep", "long"],
)
def test_what_would_change_more_than_its_form_is_left_alone(text):
    mended = mend_json(text)
    assert (mended.text, mended.repaired) == (text, False)
