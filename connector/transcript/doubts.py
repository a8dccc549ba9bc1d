"""Is this recording this visit? In: a Transcript, the chart, the recording's length. Out: reasons to ask. Pure.

A doubt never throws a visit away and never decides anything: the clinician is asked once, before the draft.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from connector.clinical.drug_book import DrugBook
from connector.records import Doubt, PatientContext, SectionState, Transcript
from connector.transcript.rules import SpeechRules, fold_words
from connector.transcript.said_drugs import find_drugs, fits_any
from connector.transcript.said_people import find_stranger

_QUOTES = 3
_LANGUAGES = {
    "en": "English",
    "es": "Spanish",
    "de": "German",
    "fr": "French",
    "pt": "Portuguese",
    "it": "Italian",
    "zh": "Chinese",
    "vi": "Vietnamese",
    "ru": "Russian",
    "ar": "Arabic",
    "pl": "Polish",
    "tr": "Turkish",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known beside transcript and chart: the language the recording was sent as (a code such as `en` or
    `en_us`; None: it was to be found out), its own length in ms (0: not known), and the clinician's name as the EHR
    shows it."""

    language: str | None = "en"
    recording_ms: int = 0
    clinician: str = ""


def find_doubts(
    transcript: Transcript, context: PatientContext, *, expected: Expected, rules: SpeechRules, book: DrugBook
) -> tuple[Doubt, ...]:
    """Every reason to ask whether this recording is this patient's visit; none for what was typed."""
    if transcript.origin == "typed":
        return ()
    found = (
        *_doubt_name(transcript, context, expected),
        *_doubt_drugs(transcript, context, rules=rules, book=book),
        *_doubt_length(transcript, expected, rules),
        *_doubt_language(transcript, context, expected=expected, rules=rules),
        *_doubt_speakers(transcript, rules),
    )
    return tuple(found)


def _doubt_name(transcript: Transcript, context: PatientContext, expected: Expected) -> Iterator[Doubt]:
    stranger = find_stranger(transcript, context, clinician=expected.clinician)
    if stranger is not None:
        text = f"Somebody is addressed as {stranger.name}, and this patient's name is not spoken."
        yield Doubt("name", text, stranger.turn_ids[:_QUOTES])


def _doubt_drugs(
    transcript: Transcript, context: PatientContext, *, rules: SpeechRules, book: DrugBook
) -> Iterator[Doubt]:
    section = context.medications
    charted = sorted({item.name for item in section.items})
    if section.state is not SectionState.OK or len(charted) < rules.doubts.drugs_in_chart:
        return
    drugs = find_drugs(transcript, book)
    taken = {name: turns for name, turns in drugs.taken.items() if rules.doubts.everyday.isdisjoint(name.split())}
    if len(taken) < rules.doubts.drugs_said or fits_any(drugs.said, charted, book):
        return
    turns = dict.fromkeys(turn for name in taken for turn in taken[name])
    names = ", ".join(list(taken)[:_QUOTES])
    text = f"The patient is said to take {names}; of the {len(charted)} drugs in the chart none is spoken of."
    yield Doubt("drugs", text, tuple(turns)[:_QUOTES])


def _doubt_length(transcript: Transcript, expected: Expected, rules: SpeechRules) -> Iterator[Doubt]:
    recorded, written = expected.recording_ms / 1000, (transcript.reported_ms or transcript.duration_ms) / 1000
    if not recorded or not written:
        return
    apart = abs(recorded - written)
    if apart > rules.doubts.length_s and apart > rules.doubts.length_share * max(recorded, written):
        text = f"The recording lasts {_length(recorded)}, what was written down of it {_length(written)}."
        yield Doubt("length", text)


def _doubt_language(
    transcript: Transcript, context: PatientContext, *, expected: Expected, rules: SpeechRules
) -> Iterator[Doubt]:
    stated = _base(transcript.language or expected.language or "")
    sent = _base(expected.language or "") or stated
    if stated != sent:
        text = f"The recogniser heard {_name(stated)}; recordings are sent as {_name(sent)}."
        yield Doubt("language", text, language=stated)
        return
    words = [word for turn in transcript.turns for word in fold_words(turn.text)]
    spoken = dict.fromkeys((sent, *transcript.between))
    if len(words) < rules.doubts.least_words or not spoken.keys() <= rules.languages.keys():
        return
    # Where somebody interprets, each language has a part of the words only.
    expected_little = frozenset[str]().union(*(rules.languages[code] for code in spoken))
    if _share(words, expected_little) >= rules.language_share:
        return
    shares = {code: _share(words, little) for code, little in rules.languages.items()}
    likeliest = max(shares, key=lambda code: shares[code])
    other = likeliest if likeliest not in spoken and shares[likeliest] >= rules.language_share else None
    looks = f", more like {_name(likeliest)}" if likeliest not in spoken else ""
    person = context.patient.items[0] if context.patient.items else None
    charted = f" The chart names {person.language} as the patient's language." if person and person.language else ""
    turns = tuple(turn.turn_id for turn in transcript.turns[:_QUOTES])
    yield Doubt("language", f"This does not look like {' or '.join(map(_name, spoken))}{looks}.{charted}", turns, other)


def _share(words: Sequence[str], little: Collection[str]) -> float:
    return sum(word in little for word in words) / len(words)


def _doubt_speakers(transcript: Transcript, rules: SpeechRules) -> Iterator[Doubt]:
    """One voice, where speakers were told apart at all: without words nobody tried to."""
    spoken = [turn for turn in transcript.turns if turn.words]
    count = sum(len(turn.words) for turn in spoken)
    if count >= rules.doubts.least_words and len({turn.speaker for turn in spoken}) == 1:
        longest = sorted(spoken, key=lambda turn: -len(turn.words))[:1]
        text = "Only one voice was told apart, where a visit has at least two."
        yield Doubt("one-speaker", text, tuple(turn.turn_id for turn in longest))


def _base(code: str) -> str:
    """`en_us` → `en`."""
    return code.replace("_", "-").split("-")[0].casefold()


def _name(code: str) -> str:
    return _LANGUAGES.get(code, f"the language “{code}”")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
