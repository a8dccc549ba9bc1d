"""Consent in words, for the note and for the drafting model. In: where consent stands. Out: one line of plain text.

Deterministic: the same answers give the same line for ever. The model's line names nobody.
"""

from __future__ import annotations

import re

from connector.consent.standing import Standing, Voice
from connector.records import Consent, ConsentAnswer

NOBODY_ASKED = "No recording was made; the visit was typed."
_METHODS = {"verbal": "verbal", "written": "written"}
_WAYS = {"in-person": "in person", "phone": "by phone", "video": "by video"}
_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "ht": "Haitian Creole",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tl": "Tagalog",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
_READERS = {"": "", "others": " for others in the room", "proxy": " for who answers for the patient"}
_NAMED_BY_LANGUAGE = re.compile(r"(?P<language>[a-z]{2,3})-(?P<version>[0-9]+)")
_REPRESENTATIVES = {"parent": "a parent", "guardian": "the guardian", "proxy": "a health care proxy"}


def say_for_note(standing: Standing, *, recorded: bool) -> str:
    """Each person's answer, way, time (UTC), wording and interpreter; `recorded`: the note rests on a recording.

    Who was noted and never answered is not in it.
    """
    said = [sentence for voice in standing.voices if (sentence := _say_voice(voice))]
    if not said:
        return NOBODY_ASKED
    return " ".join(said if recorded else [*said, "The visit was typed."])


def say_for_model(standing: Standing, *, recorded: bool) -> str:
    """The patient's answer alone, without names, labels or languages."""
    consent = standing.patient
    if consent is None:
        return NOBODY_ASKED
    day = consent.stamp.at.date().isoformat()
    if consent.answer is ConsentAnswer.GIVEN:
        line = f"The patient gave {consent.method} consent to recording on {day}"
        return f"{line}." if recorded else f"{line}; the visit was typed."
    return f"The patient {consent.answer} recording on {day}; the visit was typed."


def name_person(consent: Consent) -> str:
    """Who was asked, in words: `The patient`, `Sam, brother (relative)`, `A partner`."""
    person = consent.person
    if person.role == "patient":
        return "The patient"
    if person.label:
        return f"{person.label} ({person.role})"
    article = "An" if person.role[0] in "aeiou" else "A"
    return "Somebody else" if person.role == "other" else f"{article} {person.role}"


def name_wording(wording: str) -> str:
    """The text read out, in words: for `en-3/es` it is `the Spanish text, version 3`.

    A site may name its texts as it likes; a name that is no language and number is quoted as it stands.
    """
    name, _, variant = wording.partition("/")
    named = _NAMED_BY_LANGUAGE.fullmatch(name)
    language = _LANGUAGES.get((named["language"] if variant in _READERS else variant) if named else "")
    if named is None or language is None:
        return f'the text "{wording}"'
    return f"the {language} text{_READERS.get(variant, '')}, version {named['version']}"


def _say_voice(voice: Voice) -> str:
    consent = voice.said
    if consent is None:
        return ""
    who = name_person(consent)
    by = f" through {_REPRESENTATIVES[consent.answered_by]}" if consent.answered_by else ""
    verb = {
        ConsentAnswer.GIVEN: f"gave {_METHODS[consent.method]} consent to recording",
        ConsentAnswer.DECLINED: f"declined recording ({_METHODS[consent.method]})",
        ConsentAnswer.WITHDRAWN: f"withdrew consent to recording ({_METHODS[consent.method]})",
    }[consent.answer]
    at = consent.stamp.at.strftime("%Y-%m-%d at %H:%M UTC")
    heard = consent.interpreter
    interpreted = f", interpreted from {heard.language} {_WAYS[heard.way]}" if heard is not None else ""
    gone = ", and left" if voice.has_left and consent.answer is not ConsentAnswer.GIVEN else ""
    return f"{who}{by} {verb} on {at} (asked with {name_wording(consent.wording)}{interpreted}){gone}."
