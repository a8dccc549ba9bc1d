"""Recording one person's answer, and refusing one nobody can give."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.consent.answer import LONGEST_LABEL, Noted, record_answer
from connector.consent.mapping import Jurisdiction, Wording
from connector.errors import InputRefused
from connector.records import Consent, ConsentAnswer, Interpreting, PersonAsked, Stamp

STAMP = Stamp(maker="consent.yaml@3", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC), who="Practitioner/7")
WORDING = Wording("en-3", "May I record?", others="Your voice too.", proxy="For them.", languages={"es": "¿Puedo?"})
PLACE = Jurisdiction("us-ca", "California", "all-party", WORDING, ("verbal", "written"))
SAM = PersonAsked("p1", "relative", "Sam, brother")


def take(answer: str = "given", *, place: Jurisdiction = PLACE, stamp: Stamp = STAMP, **noted: object) -> Consent:
    return record_answer(Noted(answer, **noted), consent_id="c1", jurisdiction=place, stamp=stamp)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", ["given", "declined", "withdrawn"])
@pytest.mark.parametrize("method", ["verbal", "written"])
def test_an_answer_is_recorded_as_given(answer: str, method: str) -> None:
    consent = take(answer, method=method)
    assert (consent.consent_id, consent.answer, consent.method) == ("c1", answer, method)
    assert (consent.asked_by, consent.wording, consent.stamp) == ("Practitioner/7", "en-3", STAMP)
    assert (consent.person, consent.jurisdiction, consent.rule) == (PersonAsked(), "us-ca", "all-party")


@pytest.mark.parametrize(
    "noted",
    [
        {"answer": "yes"},
        {"answer": "GIVEN"},
        {"answer": ""},
        {"method": "assumed"},
        {"method": ""},
        {"answer": "present"},
        {"answer": "left"},
        {"answered_by": "neighbour"},
        {"interpreter": "loud", "language": "Spanish"},
        {"interpreter": "phone"},
        {"interpreter": "phone", "language": " "},
        {"wording": "fr"},
        {"wording": "text2"},
        {"person": replace(SAM, role="king")},
        {"person": replace(SAM, role="")},
        {"person": replace(SAM, label="x" * (LONGEST_LABEL + 1))},
        {"person": replace(SAM, label="Sam\x00")},
    ],
    ids=str,
)
def test_an_incomplete_answer_is_no_consent(noted: dict[str, object]) -> None:
    with pytest.raises(InputRefused):
        take(**noted)  # type: ignore[arg-type]


@pytest.mark.parametrize("who", [None, "", " "])
def test_somebody_has_to_have_asked(who: str | None) -> None:
    with pytest.raises(InputRefused, match="person who asked"):
        take(stamp=replace(STAMP, who=who))


def test_a_site_that_wants_it_in_writing_takes_no_spoken_answer() -> None:
    strict = replace(PLACE, methods=("written",))
    with pytest.raises(InputRefused, match="written"):
        take(place=strict)
    assert take(place=strict, method="written").method == "written"


def test_a_further_person_is_kept_on_their_own_with_the_wording_for_them() -> None:
    consent = take(person=replace(SAM, label="  Sam,\n brother "))
    assert (consent.person, consent.wording) == (SAM, "en-3/others")


def test_a_representative_and_an_interpreter_stand_in_the_record() -> None:
    consent = take(answered_by="guardian", interpreter="phone", language=" Spanish ")
    assert (consent.answered_by, consent.wording) == ("guardian", "en-3/proxy")
    assert consent.interpreter == Interpreting("phone", "Spanish")
    assert take(wording="es").wording == "en-3/es"
    assert take(answered_by="parent", wording="text").wording == "en-3"


def test_a_site_without_texts_for_others_reads_out_the_one_it_has() -> None:
    bare = replace(PLACE, wording=Wording("en-9", "May I record?"))
    assert take(place=bare, person=SAM).wording == "en-9"
    assert take(place=bare, answered_by="proxy").wording == "en-9"


@pytest.mark.parametrize("answer", [ConsentAnswer.PRESENT, ConsentAnswer.LEFT])
def test_who_is_only_noted_was_read_nothing_and_said_nothing(answer: ConsentAnswer) -> None:
    consent = take(str(answer), person=SAM)
    assert (consent.answer, consent.method, consent.wording) == (answer, "", "")
