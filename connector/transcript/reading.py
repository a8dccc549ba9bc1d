"""Reads the recogniser's answer. In: the JSON of a finished job, whatever it holds. Out: a frozen Transcript.

Never fails over a missing, unknown or mistyped field, and never invents words, times or roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from connector.errors import VendorRejected
from connector.records import SpokenEntity, Stamp, Transcript, Turn, Word
from connector.transcript.cleaning import (
    clean_text,
    read_confidence,
    read_dict,
    read_list,
    read_ms,
    read_number,
)
from connector.transcript.roles import Voice, read_roles, read_voice
from connector.transcript.seating import Seating, list_speakers, names_by_label, seat_turns

# A sandbox that plays back a bundled script says so in a warning that starts like this; one that recognises, like that.
_SANDBOX = "Sandbox"
_SANDBOX_RECOGNISER = "Sandbox recogniser"
_DELETED = "deleted_by_user"
_WHOLE = "unredacted_"
_WORDS = ("utterances", "words", "text")
_REDACTED_ONLY = "The words came back with parts taken out, and only so: transcribe the recording again for the note."
_NO_DOMAIN = (
    "The medical vocabulary was not used for this recording: check the names of drugs, doses and conditions well."
)


def read_transcript(
    answer: Mapping[str, Any], *, transcript_id: str, stamp: Stamp, seating: Seating | None = None
) -> Transcript:
    """Return what was said, from the vendor's transcript object (AssemblyAI GET /v2/transcript/{id}).

    Turns come from `utterances`, else from `words` grouped by speaker, else from `text` as one turn; ids are t1, t2
    and so on in the vendor's order, times in ms, and a confidence nobody stated is 0. An answer without words gives a
    Transcript without turns: whether that is a visit is `judge_speech`'s to say. Where a redacted copy was asked for,
    the words that nothing was taken out of are read. Raises VendorRejected when the job is not completed or has been
    deleted with the vendor; nothing else.
    """
    if not isinstance(answer, Mapping) or answer.get("status") not in (None, "completed"):
        raise VendorRejected("The transcription is not finished: wait for it, or start it again.")
    if _DELETED in str(answer.get("audio_url") or ""):
        raise VendorRejected("The transcription was deleted with the service: transcribe the recording again.")
    seating = seating or Seating()
    whole = _choose_whole(dict(answer))
    unseated = _number(_read_turns(whole))
    turns = seat_turns(unseated, seating)
    names = names_by_label(unseated, seating.names)
    reported = read_ms(read_number(whole.get("audio_duration")) * 1000)
    told = tuple(_read_warnings(whole))
    return Transcript(
        transcript_id=transcript_id,
        origin=_read_origin(told),
        language=clean_text(whole.get("language_code")) or None,
        duration_ms=max([reported, *(turn.end_ms for turn in turns)]),
        turns=turns,
        warnings=(*told, *_own_warnings(whole, seating, told=told)),
        stamp=stamp,
        speakers=list_speakers(turns, low_trust_ms=seating.low_trust_ms, names=names),
        entities=tuple(_read_entities(whole)),
        language_confidence=read_confidence(whole.get("language_confidence")),
        domain_used=_domain_used(whole),
        reported_ms=reported,
        captured_ms=seating.captured_ms or 0,
    )


def read_redacted_turns(answer: Mapping[str, Any], *, seating: Seating | None = None) -> tuple[Turn, ...]:
    """Return the turns of the redacted copy of an answer, () where none was asked for. Turn by turn the same ids, times
    and roles as those of `read_transcript`, where the vendor tells the same turns in both."""
    whole = dict(answer)
    if whole.get("redact_pii") is not True:
        return ()
    return seat_turns(_number(_read_turns(whole)), seating or Seating())


def _choose_whole(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with its words as they were said in the place of the redacted ones, where it holds both."""
    whole = {name: answer[f"{_WHOLE}{name}"] for name in _WORDS if answer.get(f"{_WHOLE}{name}") is not None}
    return {**answer, **dict.fromkeys(_WORDS), **whole} if whole else answer


def _domain_used(answer: dict[str, Any]) -> str | None:
    return clean_text(read_dict(answer.get("metadata")).get("domain_used")) or None


def _own_warnings(answer: dict[str, Any], seating: Seating, *, told: tuple[str, ...]) -> Iterator[str]:
    """What the answer shows and the vendor does not say itself."""
    unsaid = not any("medical" in warning.casefold() for warning in told)
    if seating.domain and _domain_used(answer) is None and unsaid:
        yield _NO_DOMAIN
    if answer.get("redact_pii") is True and all(answer.get(f"{_WHOLE}{name}") is None for name in _WORDS):
        yield _REDACTED_ONLY


def _read_entities(answer: dict[str, Any]) -> Iterator[SpokenEntity]:
    for row in read_list(answer.get("entities")):
        found = read_dict(row)
        kind, text = clean_text(found.get("entity_type")), clean_text(found.get("text"))
        if kind and text:
            start = read_ms(found.get("start"))
            yield SpokenEntity(kind, text, start, max(start, read_ms(found.get("end"))))


def _read_origin(told: tuple[str, ...]) -> str:
    """Whose words these are, by what the answer warns of."""
    if any(warning.startswith(_SANDBOX_RECOGNISER) for warning in told):
        return "sandbox-recogniser"
    return "playback" if any(warning.startswith(_SANDBOX) for warning in told) else "recogniser"


def _read_turns(answer: dict[str, Any]) -> list[Turn]:
    """Return the turns of the best source that has any, without ids yet."""
    roles = read_roles(answer)
    overall = read_confidence(answer.get("confidence"))
    for read in (_from_utterances, _from_words, _from_text):
        turns = [turn for turn in read(answer, roles=roles, overall=overall) if turn.text]
        if turns:
            return turns
    return []


def _from_utterances(answer: dict[str, Any], *, roles: dict[str, str], overall: float | None) -> Iterator[Turn]:
    for row in read_list(answer.get("utterances")):
        said = read_dict(row)
        stated = read_confidence(said.get("confidence"))
        words = _read_words(said.get("words"), overall if stated is None else stated, roles=roles)
        text = clean_text(said.get("text")) or " ".join(word.text for word in words)
        times = (read_ms(said.get("start")), read_ms(said.get("end")))
        yield _turn(text, words, voice=read_voice(said.get("speaker"), roles), stated=stated, times=times)


def _from_words(answer: dict[str, Any], *, roles: dict[str, str], overall: float | None) -> Iterator[Turn]:
    rows = [read_dict(row) for row in read_list(answer.get("words"))]
    for voice, group in groupby(rows, key=lambda row: read_voice(row.get("speaker"), roles)):
        words = _read_words(list(group), overall, roles=roles)
        yield _turn(" ".join(word.text for word in words), words, voice=voice, stated=None, times=(0, 0))


def _from_text(answer: dict[str, Any], *, roles: dict[str, str], overall: float | None) -> Iterator[Turn]:
    text, ends = clean_text(answer.get("text")), read_ms(read_number(answer.get("audio_duration")) * 1000)
    yield _turn(text, (), voice=read_voice(None, roles), stated=overall, times=(0, ends))


def _read_words(value: Any, otherwise: float | None, *, roles: dict[str, str]) -> tuple[Word, ...]:
    """Return the words of a list, with `otherwise` as the confidence of those that state none."""
    words = []
    for row in read_list(value):
        said = read_dict(row)
        text = clean_text(said.get("text"))
        if not text:
            continue
        start, stated = read_ms(said.get("start")), read_confidence(said.get("confidence"))
        confidence = otherwise if stated is None else stated
        speaker = read_voice(said.get("speaker"), roles).speaker if clean_text(said.get("speaker")) else None
        words.append(Word(text, start, max(start, read_ms(said.get("end"))), confidence or 0.0, speaker))
    return tuple(words)


def _turn(text: str, words: tuple[Word, ...], *, voice: Voice, stated: float | None, times: tuple[int, int]) -> Turn:
    """Make a turn, taking times and confidence from its words where it states none itself."""
    start, end = times
    if end <= start and words:
        start, end = min(word.start_ms for word in words), max(word.end_ms for word in words)
    if stated is None:
        stated = sum(word.confidence for word in words) / len(words) if words else 0.0
    return Turn("", voice.speaker, voice.role, voice.role_from, text, start, max(start, end), stated, words)


def _number(turns: list[Turn]) -> tuple[Turn, ...]:
    """Give the turns their ids: t1, t2 and so on."""
    return tuple(
        Turn(f"t{n}", t.speaker, t.role, t.role_from, t.text, t.start_ms, t.end_ms, t.confidence, t.words)
        for n, t in enumerate(turns, start=1)
    )


def _read_warnings(answer: dict[str, Any]) -> Iterator[str]:
    """Give the vendor's warnings, as objects with a message or as plain texts."""
    for row in read_list(read_dict(answer.get("metadata")).get("warnings")):
        text = clean_text(row) or clean_text(read_dict(row).get("message"))
        if text:
            yield text
