"""In: a job. Out: the transcript object of GET /v2/transcript/{id}, as the vendor prints it.

Never says more than the script: what is not offered is null, and every completed transcript says it is playback.
"""

from __future__ import annotations

import math
import statistics
from datetime import datetime
from typing import Any

from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord
from connector_sandbox.assemblyai.submission import RoleRequest, Submission

PLAYBACK = "Sandbox playback of a bundled script: not speech recognition"
DELETED_TEXT = "Deleted by user."
DELETED_URL = "http://deleted_by_user"
Speaker = tuple[str | None, int]  # the role, and the channel where it was asked for by channel
Names = dict[Speaker, tuple[str, str]]
_SAME_ROLE = {
    "clinician": ("clinician", "doctor", "physician", "provider", "practitioner", "nurse", "therapist", "gp"),
    "patient": ("patient", "client"),
}
_ECHOED = (
    "audio_end_at",
    "audio_start_from",
    "custom_spelling",
    "keyterms_prompt",
    "language_confidence_threshold",
    "language_detection",
    "prompt",
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
        "language_code": asked.language,
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
    heard = job.heard
    if heard is None:
        raise ValueError("a completed job has heard something, be it silence")
    names = _name_speakers(job.submission, heard.turns)
    words = [word for turn in heard.turns for word in turn.words]
    detects = bool(job.submission.body.get("language_detection"))
    printed = {
        "text": " ".join(word.text for word in words),
        "words": [_print_word(word, _shown(job, turn, names=names)) for turn in heard.turns for word in turn.words],
        "utterances": _print_utterances(job, names) if job.submission.tells_speakers_apart else None,
        "confidence": _mean(words),
        "audio_duration": math.ceil(heard.duration_ms / 1000),
        "language_confidence": 0.98 if detects and words else None,
        "speech_model_used": job.submission.model_used,
        "metadata": {
            "domain_used": job.submission.domain_used,
            "warnings": [{"message": message} for message in (PLAYBACK, *job.submission.warnings, *heard.warnings)],
        },
    }
    return {**printed, **_print_understanding(job, names)}


def _print_word(word: HeardWord, shown: dict[str, Any]) -> dict[str, Any]:
    return {"text": word.text, "start": word.start, "end": word.end, "confidence": word.confidence, **shown}


def _print_utterances(job: Job, names: Names) -> list[dict[str, Any]]:
    turns = job.heard.turns if job.heard else ()
    return [
        {
            **_shown(job, turn, names=names),
            "text": " ".join(word.text for word in turn.words),
            "confidence": _mean(list(turn.words)),
            "start": turn.words[0].start,
            "end": turn.words[-1].end,
            "words": [_print_word(word, _shown(job, turn, names=names)) for word in turn.words],
        }
        for turn in turns
    ]


def _shown(job: Job, turn: HeardTurn, *, names: Names) -> dict[str, Any]:
    """The speaker of a word or an utterance: null when nobody asked, the channel too when it was asked for."""
    if not job.submission.tells_speakers_apart:
        return {"speaker": None}
    label, speaker = names[_speaker(job.submission, turn)]
    return {"speaker": speaker, "channel": label} if job.submission.multichannel else {"speaker": speaker}


def _speaker(asked: Submission, turn: HeardTurn) -> Speaker:
    return turn.role, turn.channel if asked.multichannel else 1


def _name_speakers(asked: Submission, turns: tuple[HeardTurn, ...]) -> Names:
    """For each role of the script the label (A, B by first appearance; the channel when asked by channel) and the name.

    The name is the label unless roles or names were asked for and one of them fits.
    """
    first = {_speaker(asked, turn): turn for turn in reversed(turns)}
    order = sorted(first, key=lambda one: first[one].words[0].start)
    labels = {one: str(one[1]) if asked.multichannel else chr(ord("A") + number) for number, one in enumerate(order)}
    return {one: (label, _fitting(asked.roles, first[one]) or label) for one, label in labels.items()}


def _fitting(wanted: RoleRequest | None, turn: HeardTurn) -> str | None:
    if wanted is None:
        return None
    fitting = _SAME_ROLE.get(turn.role or "", ()) if wanted.kind == "role" else ((turn.name or "").lower(),)
    return next((value for value in wanted.values if value.lower() in fitting), None)


def _print_understanding(job: Job, names: Names) -> dict[str, Any]:
    if job.submission.roles is None:
        return {}
    mapping = {label: name for label, name in names.values() if name != label}
    answer = {"speaker_identification": {"mapping": mapping, "status": "success"}}
    return {"speech_understanding": {**job.submission.body["speech_understanding"], "response": answer}}


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
        "metadata": {"domain_used": job.submission.domain_used, "warnings": [{"message": PLAYBACK}]},
    }


def print_time(at: datetime | None) -> str | None:
    """A time as the vendor's list prints it: UTC without a zone."""
    return at.replace(tzinfo=None).isoformat() if at else None


def _mean(words: list[HeardWord]) -> float:
    return round(statistics.fmean(word.confidence for word in words), 7) if words else 0.0
