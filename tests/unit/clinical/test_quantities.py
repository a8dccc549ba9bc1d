"""Quantities: numbers with units, pairs, ranges, rates; and the text in figures."""

import pytest

from connector.clinical.quantities import find_quantities, in_figures


@pytest.mark.parametrize(
    ("said", "text", "values", "unit", "kind"),
    [
        ("take 25 mg", "25 mg", (25.0,), "mg", "amount"),
        ("fifty milligrams", "fifty milligrams", (50.0,), "mg", "amount"),
        ("75 mcg", "75 mcg", (75.0,), "mcg", "amount"),
        ("128/82", "128/82", (128.0, 82.0), "mmHg", "pair"),
        ("one twenty-eight over eighty-two", "one twenty-eight over eighty-two", (128.0, 82.0), "mmHg", "pair"),
        ("98.6 F", "98.6 F", (98.6,), "°F", "amount"),
        ("for two weeks", "two weeks", (2.0,), "week", "amount"),
        ("twice a day", "twice a day", (2.0,), "/day", "rate"),
        ("once daily", "once daily", (1.0,), "/day", "rate"),
        ("three times a day", "three times a day", (3.0,), "/day", "rate"),
        ("every six hours", "every six hours", (6.0,), "hour", "interval"),
        ("2 to 3 weeks", "2 to 3 weeks", (2.0, 3.0), "week", "range"),
        ("seven out of ten", "seven out of ten", (7.0, 10.0), None, "score"),
        ("seven point two percent", "seven point two percent", (7.2,), "%", "amount"),
        ("metoprolol 25", "25", (25.0,), None, "amount"),
        ("120 mg/dL", "120 mg/dL", (120.0,), "mg/dL", "amount"),
    ],
)
def test_a_quantity_is_found_with_its_unit(said, text, values, unit, kind) -> None:
    (found,) = find_quantities(said)
    assert (found.text, found.values, found.unit, found.kind) == (text, values, unit, kind)
    assert said[found.start : found.end] == text


def test_one_without_a_unit_is_a_pronoun() -> None:
    assert find_quantities("one of them hurts") == ()


def test_a_pair_is_never_given_the_unit_of_what_follows() -> None:
    pair, pulse = find_quantities("bp 152/94 hr 78")
    assert (pair.text, pair.unit) == ("152/94", "mmHg")
    assert pulse.values == (78.0,)


def test_dose_and_interval_of_an_order_are_both_found() -> None:
    found = find_quantities("1 to 2 tablets every 4 to 6 hours as needed")
    assert [(quantity.kind, quantity.values, quantity.unit) for quantity in found] == [
        ("range", (1.0, 2.0), "tablet"),
        ("interval", (4.0, 6.0), "hour"),
    ]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("one twenty-eight over eighty-two", "128/82"),
        ("128 over 82", "128/82"),
        ("come back in two weeks", "come back in 2 weeks"),
        ("two of them", "two of them"),
        ("ninety-eight point six degrees", "98.6 degrees"),
        ("one plus pitting edema", "1+ pitting edema"),
        ("two out of six systolic murmur", "2/6 systolic murmur"),
        ("three or four times a week", "3 or 4 times a week"),
        ("fifty-year-old", "50-year-old"),
        ("1,200 steps", "1,200 steps"),
        ("bp 152/94 hr 78", "bp 152/94 hr 78"),
        ("a one-sided headache", "a one-sided headache"),
    ],
)
def test_spoken_numbers_are_written_in_figures(said, written) -> None:
    assert in_figures(said) == written
