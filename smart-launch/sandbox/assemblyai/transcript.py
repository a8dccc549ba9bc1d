"""In: a job. Out: the transcript object of GET /v2/transcript/{id}, as the vendor prints it.

Never says more than the script: what is not offered is null, and every completed transcript says whose words it holds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connector_sandbox.assemblyai.entities import find_entities
from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord
from connector_sandbox.assemblyai.redaction import redact_turns
from connector_sandbox.assemblyai.seats import Seat, map_labels, seat_turns
from connector_sandbox.assemblyai.submission import Submission

PLAYBACK = "Sandbox playback of a bundled script: not speech recognition"
RECOGNISED = "Sandbox recogniser (PocketSphinx), low accuracy: many words are wrong, names of drugs nearly always"
DELETED_TEXT = "Deleted by user."
DELETED_URL = "http://deleted_by_user"
_ECHOED = (
    "audio_end_at",
    "audio_start_from",
    "custom_spelling",
    "keyterms_prompt",
    "language_confidence_threshold",
    "language_detection",
    "language_detection_options",
    "prompt",
    "redact_pii_audio_options",
    "redact_pii_audio_quality",
    "redact_pii_policies",
    "redact_pii_sub",
    "speaker_options",
    "speakers_expected",
    "speech_threshold",
    "webhook_url",
)
_NEVER = (
    "auto_highlights_result",
    "chapters",
    "sentiment_analysis_results",
    "summary",
    "summary_model",
    "summary_type",
)
_SWITCHES = (
    "auto_chapters",
    "auto_highlights",
    "content_safety",
    "disfluencies",
    "entity_detection",
    "filter_profanity",
    "iab_categories",
    "multichannel",
    "redact_pii",
    "redact_pii_audio",
    "sentiment_analysis",
    "speaker_labels",
    "summarization",
)


def print_transcript(job: Job) -> dict[str, Any]:
    """The whole object: nulls until the job is completed, the stub once it is deleted."""
    printed = _print_request(job)
    if job.status == "error":
        printed["error"] = job.error
    if job.deleted:
        return {**printed, **_stub(job)}
    if job.status != "completed" or job.heard is None:
        return printed
    return {**printed, **_print_result(job)}


def _print_request(job: Job) -> dict[str, Any]:
    asked = job.submission
    body = asked.body
    return {
        "id": job.id,
        "language_model": "assemblyai_default",
        "acoustic_model": "assemblyai_default",
        "language_code": None if asked.detects and job.status != "completed" else asked.language,
        "language_confidence": None,
        "status": job.status,
        "audio_url": asked.audio_url,
        "text": None,
        "words": None,
        "utterances": None,
        "entities": None,
        "confidence": None,
        "audio_duration": None,
        "punctuate": body.get("punctuate", True),
        "format_text": body.get("format_text", True),
        "dual_channel": None,
        "speech_model": None,
        "speech_models": list(asked.models),
        "speech_model_used": None,
        "domain": asked.domain,
        "metadata": {"domain_used": None, "warnings": []},
        "webhook_status_code": job.webhook_status_code,
        "webhook_auth": body.get("webhook_auth_header_name") is not None,
        "webhook_auth_header_name": body.get("webhook_auth_header_name"),
        "content_safety_labels": {"status": "unavailable"},
        "iab_categories_result": {"status": "unavailable"},
        "speech_understanding": body.get("speech_understanding"),
        "throttled": False,
        "project_id": int(job.project[:8], 16),
        "token_id": None,
        **dict.fromkeys(_NEVER),
        **{name: body.get(name) for name in _ECHOED},
        **{name: bool(body.get(name)) for name in _SWITCHES},
    }


def _print_result(job: Job) -> dict[str, Any]:
    heard, asked = job.heard, job.submission
    if heard is None:
        raise ValueError("a completed job has heard something, be it silence")
    seats = seat_turns(asked, heard.turns)
    turns = heard.turns
    if asked.redaction is not None:
        turns = redact_turns(turns, find_entities(turns), redaction=asked.redaction)
    printed = {
        **_print_words(asked, turns, [seat.shown() for seat in seats]),
        "entities": _print_entities(heard.turns, seats) if asked.body.get("entity_detection") else None,
        "confidence": _mean([word for turn in turns for word in turn.words]),
        "audio_duration": math.ceil(heard.duration_ms / 1000),
        "language_confidence": asked.language_confidence,
        **_print_switched(asked),
        "speech_model_used": asked.model_used,
        "metadata": {
            "domain_used": asked.domain_used,
            "warnings": [{"message": message} for message in (_source(job), *asked.warnings, *heard.warnings)],
        },
        **_print_understanding(job, seats),
    }
    if asked.redaction is not None and asked.redaction.returns_unredacted:
        whole = _print_words(asked, heard.turns, [seat.shown(by_label=True) for seat in seats])
        printed |= {f"unredacted_{name}": value for name, value in whole.items()}
    return printed


def _print_switched(asked: Submission) -> dict[str, Any]:
    """The languages that were switched between, where that was asked for."""
    if not asked.switched:
        return {}
    found = [{"language_code": language, "confidence": share} for language, share in asked.switched]
    codes = [language for language, _ in asked.switched]
    return {"language_codes": codes, "language_detection_results": {"code_switching_languages": found}}


def _print_words(
    asked: Submission, turns: Sequence[HeardTurn], shown: Sequence[dict[str, str | None]]
) -> dict[str, Any]:
    """`text`, `words` and `utterances`; `shown` is the speaker of each turn as it is to be printed."""
    by_turn = [[_print_word(word, speaker) for word in turn.words] for turn, speaker in zip(turns, shown, strict=True)]
    utterances = [
        {
            **speaker,
            "text": " ".join(word.text for word in turn.words),
            "confidence": _mean(list(turn.words)),
            "start": turn.words[0].start,
            "end": turn.words[-1].end,
            "words": words,
        }
        for turn, speaker, words in zip(turns, shown, by_turn, strict=True)
    ]
    return {
        "text": " ".join(utterance["text"] for utterance in utterances),
        "words": [word for words in by_turn for word in words],
        "utterances": utterances if asked.tells_speakers_apart else None,
    }


def _print_word(word: HeardWord, speaker: dict[str, str | None]) -> dict[str, Any]:
    return {"text": word.text, "start": word.start, "end": word.end, "confidence": word.confidence, **speaker}


def _print_entities(turns: Sequence[HeardTurn], seats: Sequence[Seat]) -> list[dict[str, Any]]:
    """The entities as they were said: like the vendor's, they are never redacted."""
    return [
        {
            "entity_type": entity.entity_type,
            "text": entity.text,
            "start": entity.start,
            "end": entity.end,
            "speaker": seats[entity.turn].name,
        }
        for entity in find_entities(turns)
    ]


def _print_understanding(job: Job, seats: Sequence[Seat]) -> dict[str, Any]:
    if job.submission.roles is None:
        return {}
    answer = {"speaker_identification": {"mapping": map_labels(seats), "status": "success"}}
    return {"speech_understanding": {**job.submission.body["speech_understanding"], "response": answer}}


def _source(job: Job) -> str:
    """Where the words come from; the first warning of every completed transcript."""
    return RECOGNISED if job.recognised else PLAYBACK


def _stub(job: Job) -> dict[str, Any]:
    """What is left of a deleted transcript; the status stays what it was."""
    return {
        "text": DELETED_TEXT,
        "audio_url": DELETED_URL,
        "webhook_url": DELETED_URL,
        "words": None,
        "utterances": None,
        "entities": None,
        "confidence": None,
        "keyterms_prompt": None,
        "prompt": None,
        "speech_understanding": None,
        "webhook_auth_header_name": None,
        "metadata": {"domain_used": job.submission.domain_used, "warnings": [{"message": _source(job)}]},
    }


def print_time(at: datetime | None) -> str | None:
    """A time as the vendor's list prints it: UTC without a zone."""
    return at.replace(tzinfo=None).isoformat() if at else None


def _mean(words: list[HeardWord]) -> float:
    return round(statistics.fmean(word.confidence for word in words), 7) if words else 0.0
