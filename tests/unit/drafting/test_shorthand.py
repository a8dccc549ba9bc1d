"""Typed shorthand goes to its sections, in the words typed."""

import pytest

from connector.drafting.blocks import Said
from connector.drafting.shorthand import from_shorthand


def noted(*lines: str) -> list[tuple[str, str]]:
    turns = [Said(f"t{n}", "typed", line) for n, line in enumerate(lines, 1)]
    return [(statement.section, statement.text) for statement in from_shorthand(turns)]


@pytest.mark.parametrize(
    ("typed", "sections"),
    [
        (
            "htn f/u, bp 128/82, cont lisinopril 10",
            [("subjective", "hypertension follow-up"), ("objective", "BP 128/82"), ("plan", "continue lisinopril 10")],
        ),
        (
            "pt doing well. no cp, sob, edema. refill metoprolol 25, no, 50 mg",
            [
                ("subjective", "patient doing well"),
                ("subjective", "no cp, sob, edema"),
                ("plan", "refill metoprolol 50 mg"),
            ],
        ),
        ("Likely strain. Heat, NSAIDs.", [("assessment", "Likely strain"), ("plan", "Heat"), ("plan", "NSAIDs")]),
        ("wt 1,200 g, T 98.6", [("objective", "wt 1,200 g"), ("objective", "T 98.6")]),
        ("strep neg", [("objective", "strep neg")]),
        ("", []),
        ("...", []),
    ],
)
def test_pieces_go_to_their_sections(typed, sections) -> None:
    assert noted(typed) == sections


def test_headings_rule_over_cues() -> None:
    typed = "S: knee pain, denies numbness O: swelling A: sprain, htn stable P: ice, rest, f/u 2 wks"
    assert noted(typed) == [
        ("subjective", "knee pain"),
        ("subjective", "denies numbness"),
        ("objective", "swelling"),
        ("assessment", "sprain"),
        ("assessment", "hypertension stable"),
        ("plan", "ice, rest"),
        ("plan", "follow-up 2 weeks"),
    ]


def test_a_heading_holds_over_lines() -> None:
    assert noted("S:", "knee pain", "P:", "ice and rest") == [("subjective", "knee pain"), ("plan", "ice and rest")]


def test_every_statement_names_the_line_it_stands_on() -> None:
    turns = [Said("t1", "typed", "bp 120/80"), Said("t2", "typed", "cont lisinopril")]
    assert [statement.turns for statement in from_shorthand(turns)] == [("t1",), ("t2",)]


def test_physical_therapy_is_not_the_patient() -> None:
    assert noted("PT referral") == [("plan", "PT referral")]
