"""Who has to have said yes, whose no blocks, and which answer of a person counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.consent.standing import read_standing, require_standing
from connector.errors import ConsentWithdrawn, NotAllowed
from connector.records import PATIENT, Consent, ConsentAnswer, PersonAsked, Stamp

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def history(*said: tuple[str, str], rule: str = "all-party") -> list[Consent]:
    """Answers as (person, answer) in the order they were given; returned newest first, as the store has them."""
    made = [
        Consent(
            f"c{place}",
            ConsentAnswer(answer),
            "verbal",
            "Practitioner/7",
            "en-3",
            Stamp("consent.yaml@3", NOON + timedelta(minutes=place)),
            PersonAsked() if person == PATIENT else PersonAsked(person, "partner", person),
            rule=rule,
        )
        for place, (person, answer) in enumerate(said)
    ]
    return made[::-1]


YES = (PATIENT, "given")
CASES = {
    "nobody asked": ((), False, False),
    "the patient agrees": ((YES,), True, True),
    "the patient declines": (((PATIENT, "declined"),), False, False),
    "the patient withdraws": ((YES, (PATIENT, "withdrawn")), False, False),
    "the patient agrees after all": (((PATIENT, "declined"), YES), True, True),
    "agrees again after a withdrawal": ((YES, (PATIENT, "withdrawn"), YES), True, True),
    "only a partner agrees": ((("p", "given"),), False, False),
    "both agree": ((YES, ("p", "given")), True, True),
    "a partner was not asked": ((YES, ("p", "present")), True, False),
    "a partner was asked since": ((YES, ("p", "present"), ("p", "given")), True, True),
    "a partner declines": ((YES, ("p", "declined")), False, False),
    "a partner withdraws": ((YES, ("p", "given"), ("p", "withdrawn")), False, False),
    "who declined has left": ((YES, ("p", "declined"), ("p", "left")), True, True),
    "who was not asked has left": ((YES, ("p", "present"), ("p", "left")), True, True),
    "one of two declines": ((YES, ("p", "given"), ("q", "declined")), False, False),
    "one of two was not asked": ((YES, ("p", "given"), ("q", "present")), True, False),
}


@pytest.mark.parametrize(("said", "one_party", "all_party"), CASES.values(), ids=CASES)
def test_who_has_to_agree_is_the_rule_s_and_a_no_blocks_under_either(
    said: tuple[tuple[str, str], ...], one_party: bool, all_party: bool
) -> None:
    for rule, expected in (("one-party", one_party), ("all-party", all_party)):
        standing = read_standing(history(*said, rule=rule))
        assert standing.may_record is expected, rule
        if expected:
            require_standing(standing)
        else:
            with pytest.raises(NotAllowed):
                require_standing(standing)


def test_the_stricter_of_two_rules_holds() -> None:
    mixed = [*history(("p", "present"), rule="one-party"), *history(YES, rule="all-party")]
    assert read_standing(mixed).rule == "all-party"
    assert not read_standing(mixed).may_record
    assert read_standing([]).rule == "all-party"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((), "ask the patient"),
        (((PATIENT, "declined"),), "The patient declined"),
        ((YES, ("p", "declined")), "Somebody in the room declined"),
        ((YES, ("p", "present")), "has not answered yet"),
    ],
)
def test_what_is_missing_is_said_in_words(said: tuple[tuple[str, str], ...], why: str) -> None:
    with pytest.raises(NotAllowed, match=why) as refused:
        require_standing(read_standing(history(*said)))
    assert refused.value.slug == "not-allowed"


@pytest.mark.parametrize(("who", "why"), [(PATIENT, "The patient withdrew"), ("p", "Somebody in the room withdrew")])
def test_a_withdrawal_has_a_name_of_its_own(who: str, why: str) -> None:
    said = history(YES, ("p", "given"), (who, "withdrawn"))
    with pytest.raises(ConsentWithdrawn, match=why) as refused:
        require_standing(read_standing(said))
    assert (refused.value.slug, refused.value.status) == ("consent-withdrawn", 403)


def test_the_patient_comes_first_and_what_a_person_said_outlives_their_leaving() -> None:
    standing = read_standing(history(("p", "declined"), YES, ("p", "left")))
    assert [voice.newest.person.person_id for voice in standing.voices] == [PATIENT, "p"]
    partner = standing.voices[1]
    assert partner.has_left and partner.said is not None and partner.said.answer is ConsentAnswer.DECLINED
