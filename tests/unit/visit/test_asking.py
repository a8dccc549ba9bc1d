"""What is asked of the recogniser for one visit: its language, its domain, how many speak and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from connector.app import load_rules, make_policy
from connector.clients.speech_request import Detection, Redaction, SpeakerCount, check_options
from connector.consent.standing import read_standing
from connector.records import Consent, ConsentAnswer, Interpreting, PersonAsked, Stamp
from connector.settings import Settings
from connector.visit.asking import Asking, Present, plan_asking

RULES = load_rules()
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PATIENT = PersonAsked()
UNSURE = {"fallback": "en", "least_confidence": 0.4}


def said(person: PersonAsked, answer: str = "given", *, wording: str = "en-3", **more: object) -> Consent:
    kind = ConsentAnswer(answer)
    return Consent("c", kind, "verbal", "Dr. Lee", wording, Stamp(maker="test", at=AT), person, **more)  # type: ignore[arg-type]


def person(role: str, label: str = "", *, number: int = 1) -> PersonAsked:
    return PersonAsked(f"{role}-{number}", role, label)


def present(*answers: Consent, **known: object) -> Present:
    """A visit in which the patient agreed, and then the others answered, in this order."""
    history: Sequence[Consent] = [said(PATIENT), *answers]
    timed = [
        Consent(**{**{name: getattr(one, name) for name in one.__slots__}, "stamp": Stamp("test", AT + timedelta(n))})  # type: ignore[arg-type]
        for n, one in enumerate(history)
    ]
    return Present(standing=read_standing(timed[::-1]), **known)  # type: ignore[arg-type]


def ask(here: Present, **settings: object) -> Asking:
    asking = plan_asking(make_policy(Settings(**settings)), RULES, here)  # type: ignore[arg-type]
    check_options(asking.options)
    return asking


def read_out_in(language: str) -> Consent:
    """The patient agrees to a text that was read out in another language than the site's own."""
    return said(PATIENT, wording=f"en-3/{language}")


@pytest.mark.parametrize("charted", ["en-US", "English", "eng", "en"])
def test_the_sites_own_language_is_sent_where_the_chart_has_it(charted: str) -> None:
    assert ask(present(language=charted)).options.language == "en"


@pytest.mark.parametrize("charted", ["es-MX", "Spanish", "spa"])
def test_another_charted_language_is_listened_for_beside_the_sites_own(charted: str) -> None:
    options = ask(present(language=charted)).options
    assert (options.language, options.detection) == (None, Detection(("es", "en"), **UNSURE))  # type: ignore[arg-type]


def test_the_language_the_patient_was_asked_in_is_sent() -> None:
    assert ask(present(read_out_in("es"), language="es-MX")).options.language == "es"
    assert ask(present(read_out_in("es"))).options.language == "es"
    other = ask(present(read_out_in("es"), language="en")).options
    assert (other.language, other.detection) == (None, Detection(("es", "en"), **UNSURE)), "what the chart has is old"  # type: ignore[arg-type]
    told = ask(present(read_out_in("others"), language="fr")).options
    assert told.detection is not None and told.detection.expected == ("fr", "en")


@pytest.mark.parametrize("charted", ["Navajo", None])
def test_a_language_nobody_knows_is_found_out(charted: str | None) -> None:
    options = ask(present(language=charted)).options
    assert (options.language, options.detection) == (None, Detection(**UNSURE))  # type: ignore[arg-type]


def test_a_language_that_is_set_is_sent_whatever_the_chart_says_and_detection_whatever_it_says() -> None:
    assert ask(present(language="es"), speech_language="en_us").options.language == "en_us"
    found_out = ask(present(language="es"), speech_language="detect").options
    assert (found_out.language, found_out.detection) == (None, Detection(**UNSURE))  # type: ignore[arg-type]


def test_what_the_clinician_says_was_spoken_comes_before_chart_consent_and_setting() -> None:
    told = ask(present(read_out_in("es"), language="es", interpreted=True, told="pl"), speech_language="en_us")
    assert (told.options.language, told.options.detection, told.options.domain) == ("pl", None, None)
    assert told.options.speech_models == ("universal-3-5-pro", "universal-2")
    assert len(told.notes) == 1 and "Polish" in told.notes[0]


def test_only_models_that_know_the_language_are_asked_and_universal_2_last() -> None:
    models = ("universal-2", "universal-3-pro", "universal-3-5-pro")
    polish = ask(present(language="pl"), speech_models=models).options
    assert polish.speech_models == ("universal-3-5-pro", "universal-2")
    assert ask(present(language="vi"), speech_models=models).options.speech_models == ("universal-2",)


def test_a_charted_language_no_model_knows_is_not_sent_and_said_beforehand() -> None:
    asking = ask(present(language="vi"), speech_models=("universal-3-pro",))
    assert (asking.options.language, asking.options.detection) == (None, Detection(**UNSURE))  # type: ignore[arg-type]
    assert [note for note in asking.notes if "Vietnamese" in note] == list(asking.notes)
    assert len(asking.notes) == 1


def test_medical_mode_is_asked_for_only_where_it_has_the_language_and_that_is_said_beforehand() -> None:
    assert (ask(present(language="fr")).options.domain, ask(present(language="fr")).notes) == ("medical-v1", ())
    note = "Medical Mode does not have Polish: drugs, doses and conditions said in it are recognised less well."
    polish = ask(present(read_out_in("pl"), language="pl"))
    assert (polish.options.domain, polish.notes) == (None, (note,))
    perhaps = ask(present(language="pl"))
    assert (perhaps.options.domain, perhaps.notes) == ("medical-v1", (note,))
    assert ask(present()).options.domain == "medical-v1"
    assert ask(present(language="pl"), speech_domain="").notes == ()


def test_with_an_interpreter_both_languages_are_listened_for() -> None:
    both = Detection(("es", "en"), mixed=True, **UNSURE)  # type: ignore[arg-type]
    by_chart = ask(present(language="es", interpreted=True)).options
    assert (by_chart.language, by_chart.detection) == (None, both)
    by_phone = said(PATIENT, interpreter=Interpreting("phone", "Spanish"))
    assert ask(present(by_phone)).options.detection == both
    assert ask(present(by_phone)).between == ("es", "en") and ask(present(language="es")).between == ()
    in_the_room = said(person("interpreter"))
    assert ask(present(in_the_room, language="es")).options.detection == both
    assert ask(present(language="en", interpreted=True)).options.language == "en"
    assert ask(present(by_phone), speech_language="es").options.language == "es"


@pytest.mark.parametrize(
    ("answers", "least", "most"),
    [
        ((), 2, 3),
        ((said(person("partner")),), 3, 4),
        ((said(person("partner")), said(person("parent"))), 4, 5),
        ((said(person("partner")), said(person("partner"), "left")), 2, 4),
        ((said(person("partner"), "declined"),), 2, 3),
        ((said(person("friend"), "present"),), 2, 4),
        ((said(person("child")),), 2, 4),
        ((said(person("interpreter")),), 3, 4),
        ((said(PATIENT, interpreter=Interpreting("phone", "Spanish")),), 3, 4),
        ((said(PATIENT, answered_by="parent"),), 1, 3),
    ],
)
def test_the_number_of_speakers_is_a_range_from_who_agreed_to_one_more(
    answers: tuple[Consent, ...], least: int, most: int
) -> None:
    assert ask(present(*answers)).options.count == SpeakerCount(least, most)


def test_the_number_is_exact_or_left_out_only_where_that_is_set() -> None:
    partner = present(said(person("partner")))
    assert ask(partner, speech_speaker_count="exact").options.count == SpeakerCount(3, 3, exact=True)
    assert ask(partner, speech_speaker_count="off").options.count is None


def test_two_people_are_told_apart_by_the_roles_that_are_set() -> None:
    options = ask(present(), speech_roles=("Therapist", "Client")).options
    assert (options.roles, options.speakers) == (("Therapist", "Client"), ())


def test_everybody_who_agreed_has_a_role_of_their_own() -> None:
    here = present(
        said(person("partner", "Sam")),
        said(person("partner", "Kim", number=2)),
        said(person("friend"), "declined"),
        said(PATIENT, interpreter=Interpreting("video", "Spanish"), answered_by="guardian"),
    )
    speakers = ask(here).options.speakers
    assert [one.role for one in speakers] == ["Clinician", "Patient", "Partner", "Partner 2", "Interpreter", "Guardian"]
    assert all(one.description for one in speakers)


def test_two_people_of_one_role_without_a_name_are_two_and_whoever_answers_is_not_counted_twice() -> None:
    here = present(
        said(person("friend")),
        said(person("friend", number=2)),
        said(person("interpreter")),
        said(person("parent")),
        said(PATIENT, interpreter=Interpreting("in-person", "Spanish"), answered_by="parent"),
    )
    speakers = ask(here).options.speakers
    assert [one.role for one in speakers[2:]] == ["Friend", "Friend 2", "Interpreter", "Parent"]


def test_names_leave_only_where_that_is_set_and_come_back_as_roles() -> None:
    here = present(said(person("partner", "Sam Ortiz")), patient="Ann Ortiz", clinician="Dr. Lee")
    assert not ask(here).options.by_name
    assert ask(here).names == {}
    asking = ask(here, speech_by_name=True)
    assert asking.options.told_apart_by == ("Dr. Lee", "Ann Ortiz", "Sam Ortiz")
    assert asking.names == {"Dr. Lee": "Clinician", "Ann Ortiz": "Patient", "Sam Ortiz": "Partner"}
    assert not any(name in str(asking.told()) for name in ("Lee", "Ortiz"))


def test_a_name_that_is_missing_too_long_or_another_persons_gives_way_to_the_role() -> None:
    here = present(
        said(person("partner", "x" * 36)),
        said(person("parent", "Ann")),
        said(person("friend", "Carer")),
        said(person("carer")),
        patient="Ann",
    )
    assert ask(here, speech_by_name=True).options.told_apart_by == (
        "Clinician", "Ann", "Partner", "Parent", "Carer", "Carer 2",
    )  # fmt: skip


def test_where_channels_are_sides_nobody_is_counted_or_told_apart_and_the_sides_are_named() -> None:
    asking = ask(present(said(person("partner")), two_sided=True), speech_roles=("Patient", "Clinician"))
    assert (asking.options.by_channel, asking.options.count, asking.options.speakers) == (True, None, ())
    assert asking.sides == ("Clinician", "Patient")
    named = ask(present(two_sided=True), speech_roles=("Arzt", "Mensch"), speech_channels=("Mensch", "Arzt"))
    assert named.sides == ("Mensch", "Arzt")
    assert ask(present()).sides == ()


def test_entities_and_redaction_are_asked_for_where_they_are_set() -> None:
    plain = ask(present()).options
    assert (plain.entities, plain.redaction) == (False, None)
    options = ask(
        present(),
        speech_entities=True,
        redaction_policies=("drug",),
        redaction_substitution="hash",
        redaction_audio=True,
    ).options
    assert (options.entities, options.redaction) == (True, Redaction(("drug",), "hash", audio=True))


def test_what_was_sent_can_be_kept_and_taken_up_again_whatever_is_set_since() -> None:
    sent = ask(present(read_out_in("pl"), language="pl"))
    now = ask(present(language="en"))
    again = now.as_told(sent.told())
    assert (again.options.language, again.options.domain, again.notes) == ("pl", None, sent.notes)
    between = ask(present(said(PATIENT, interpreter=Interpreting("phone", "Spanish"))))
    assert now.as_told(between.told()).between == ("es", "en")
    assert between.as_told({**sent.told(), "between": None}).between == (), "a job sent before this was kept"
