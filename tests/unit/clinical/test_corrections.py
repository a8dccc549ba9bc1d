"""A value the speaker takes back is replaced; nothing else is touched."""

import pytest

from connector.clinical.quantities import settle_corrections


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("twenty-five, no, fifty milligrams", "50 milligrams"),
        ("25, sorry, 50 mg", "50 mg"),
        ("25 mg, no, 50", "50 mg"),
        ("25... no, 50 milligrams at night", "50 milligrams at night"),
        ("I take 25 milligrams, no, sorry, 50 milligrams", "I take 50 milligrams"),
        ("25 milligrams, I'm sorry, 50 milligrams", "50 milligrams"),
        ("25 mg, I mean 50 mg daily", "50 mg daily"),
        ("increase it to 25 mg. Scratch that, 50 mg", "increase it to 50 mg"),
        ("25 mg twice a day, no, make that 50 mg once a day", "50 mg once a day"),
        ("20 mg in the morning, sorry, 40 mg", "40 mg in the morning"),
        ("two weeks, no, three weeks", "3 weeks"),
        ("come back in two weeks, make that three", "come back in 3 weeks"),
        ("one twenty-eight over eighty-two, sorry, one thirty-eight over eighty-two", "138/82"),
        ("pressure was 150, no, 160 over 90", "pressure was 160/90"),
        ("my pain is 7, no, 8 out of 10", "my pain is 8/10"),
        ("I quit 10 years ago, no, 12 years ago", "I quit 12 years ago"),
        ("lisinopril 10, no, lisinopril 20", "lisinopril 20"),
        ("25, no, 30, no, 50 mg", "50 mg"),
        (
            "metoprolol tartrate, 25, no, 50 mg twice a day, and stop the rest",
            "metoprolol tartrate, 50 mg twice a day, and stop the rest",
        ),
        ("once a day, no, twice a day", "twice a day"),
        ("left, no, right knee", "right knee"),
        ("the left knee, sorry, the right knee hurts", "the right knee hurts"),
        ("Tuesday, I mean Thursday", "Thursday"),
        ("penicillin or, I'm sorry, amoxicillin, 500 mg", "amoxicillin, 500 mg"),
    ],
)
def test_the_last_value_stands(said, meant) -> None:
    assert settle_corrections(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "25 mg, no side effects",
        "no, 50 years ago I quit",
        "I take 25 mg, no, 50 years ago I started",
        "Do you take 25? No, 50.",
        "It is 25 mg, actually.",
        "He has 3 kids, no, 50 sheep",
        "I had 2 beers, no wine",
        "take 2 tablets, not 3",
        "20, 30, 40",
        "5 mg. No, 10 people told me",
        "The dose was 25. No, 50 is too much.",
        "2 to 3 weeks, no, 4 weeks",
        "25 mg no 50 mg",
        "25 mg, wait, is it 50 mg?",
        "aspirin, no, two weeks ago",
        "I left, no, he was right",
        "no, no, fifty",
        "",
    ],
)
def test_what_takes_nothing_back_is_unchanged(said) -> None:
    assert settle_corrections(said) == said
