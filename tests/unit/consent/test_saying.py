"""Consent in the words of a note, and in those a model is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from connector.consent.saying import name_wording, say_for_model, say_for_note
from connector.consent.standing import read_standing
from connector.records import Consent, ConsentAnswer, Interpreting, PersonAsked, Stamp

AT = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
PATIENT = Consent("c1", ConsentAnswer.GIVEN, "verbal", "Practitioner/7", "en-3", Stamp("consent.yaml@3", AT))
SAM = replace(
    PATIENT,
    consent_id="c2",
    method="written",
    wording="en-3/others",
    person=PersonAsked("p1", "relative", "Sam, brother"),
)


def test_the_note_names_each_person_s_answer_way_time_wording_and_interpreter() -> None:
    heard = replace(PATIENT, interpreter=Interpreting("phone", "Spanish"), answered_by="guardian")
    assert say_for_note(read_standing([SAM, heard]), recorded=True) == (
        "The patient through the guardian gave verbal consent to recording on 2026-03-02 at 12:05 UTC"
        " (asked with the English text, version 3, interpreted from Spanish by phone). "
        "Sam, brother (relative) gave written consent to recording on 2026-03-02 at 12:05 UTC"
        " (asked with the English text for others in the room, version 3)."
    )


def test_the_note_says_who_declined_and_left_and_nothing_of_who_was_never_asked() -> None:
    declined = replace(SAM, answer=ConsentAnswer.DECLINED)
    left = replace(SAM, answer=ConsentAnswer.LEFT, method="", wording="")
    line = say_for_note(read_standing([left, declined, PATIENT]), recorded=True)
    assert line.endswith(
        "Sam, brother (relative) declined recording (written) on 2026-03-02 at 12:05 UTC"
        " (asked with the English text for others in the room, version 3), and left."
    )
    unasked = replace(SAM, answer=ConsentAnswer.PRESENT, method="", wording="")
    assert "Sam" not in say_for_note(read_standing([unasked, PATIENT]), recorded=True)


def test_the_text_that_was_read_out_is_named_in_words() -> None:
    assert name_wording("en-3") == "the English text, version 3"
    assert name_wording("en-3/es") == "the Spanish text, version 3"
    assert name_wording("de-12/proxy") == "the German text for who answers for the patient, version 12"


def test_a_text_named_some_other_way_keeps_its_name() -> None:
    for name in ("clinic-a-2026", "en", "xx-3", "en-3/xx", "en-b/es"):
        assert name_wording(name) == f'the text "{name}"'


def test_a_typed_visit_says_that_it_was_typed() -> None:
    assert say_for_note(read_standing([]), recorded=False) == "No recording was made; the visit was typed."
    for answer, words in ((ConsentAnswer.DECLINED, "declined recording"), (ConsentAnswer.WITHDRAWN, "withdrew")):
        line = say_for_note(read_standing([replace(PATIENT, answer=answer)]), recorded=False)
        assert words in line and line.endswith("The visit was typed.")


def test_the_model_is_told_the_patient_s_answer_and_nobody_s_name() -> None:
    heard = replace(PATIENT, interpreter=Interpreting("phone", "Spanish"))
    standing = read_standing([SAM, heard])
    assert say_for_model(standing, recorded=True) == "The patient gave verbal consent to recording on 2026-03-02."
    assert "Sam" not in say_for_model(standing, recorded=True)
    declined = read_standing([replace(PATIENT, answer=ConsentAnswer.DECLINED)])
    assert say_for_model(declined, recorded=False).endswith("declined recording on 2026-03-02; the visit was typed.")
    assert say_for_model(read_standing([]), recorded=False) == "No recording was made; the visit was typed."


def test_who_has_no_label_is_named_by_their_role() -> None:
    for role, words in (("partner", "A partner"), ("interpreter", "An interpreter"), ("other", "Somebody else")):
        nameless = replace(SAM, person=PersonAsked("p1", role, ""))
        assert words in say_for_note(read_standing([nameless, PATIENT]), recorded=True)
