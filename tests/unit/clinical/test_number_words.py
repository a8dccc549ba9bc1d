"""Numbers as spoken."""

import pytest

from connector.clinical.number_words import find_numbers


def figures(text: str) -> list[str]:
    return [number.digits for number in find_numbers(text)]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("one twenty-eight over eighty-two", ["128", "82"]),
        ("one oh five", ["105"]),
        ("ninety-eight point six", ["98.6"]),
        ("zero point zero seven five", ["0.075"]),
        ("point five", ["0.5"]),
        ("98 point 6", ["98.6"]),
        ("two and a half", ["2.5"]),
        ("2 and a half", ["2.5"]),
        ("a hundred and twenty-five", ["125"]),
        ("hundred and four", ["104"]),
        ("two thousand five hundred", ["2500"]),
        ("nineteen eighty-four", ["1984"]),
        ("twenty twenty-one", ["2021"]),
        ("1,200", ["1200"]),
        ("seventy two", ["72"]),
        ("twenty, thirty", ["20", "30"]),
        ("twenty-five, no, fifty", ["25", "50"]),
        ("fifty-year-old", ["50"]),
    ],
)
def test_spoken_numbers_are_read(said, numbers) -> None:
    assert figures(said) == numbers


@pytest.mark.parametrize(
    "said", ["twenty-third of May", "B12 and COVID-19", "a one-sided headache", "fifty-fifty", "a few hundred"]
)
def test_ordinals_and_parts_of_words_are_no_numbers(said) -> None:
    assert figures(said) == []


def test_at_that_point_is_no_decimal_point() -> None:
    assert figures("at that point five people came") == ["5"]


def test_places_are_those_of_the_words() -> None:
    text = "take twenty-five milligrams"
    (number,) = find_numbers(text)
    assert text[number.start : number.end] == "twenty-five"
    assert number.value == 25
