"""In: a completed job. Out: its sentences or paragraphs, as GET .../sentences and .../paragraphs print them."""

from __future__ import annotations

from typing import Any

from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.refusals import Refused
from connector_sandbox.assemblyai.transcript import print_transcript

_ENDINGS = (".", "?", "!")


def print_sentences(job: Job) -> dict[str, Any]:
    """One entry a sentence, never across two speakers."""
    printed = print_completed(job)
    sentences = [sentence for turn in _turns(printed) for sentence in _split(turn)]
    return {"sentences": [_print_passage(words, speaker=True) for words in sentences], **_ends(printed)}


def print_paragraphs(job: Job) -> dict[str, Any]:
    """One entry a turn; paragraphs name no speaker."""
    printed = print_completed(job)
    return {"paragraphs": [_print_passage(words, speaker=False) for words in _turns(printed)], **_ends(printed)}


def print_completed(job: Job) -> dict[str, Any]:
    """The transcript object of a job that is completed and not deleted; Refused (400) for every other."""
    if job.status != "completed" or job.deleted:
        raise Refused(400, f"This transcript has a status of '{job.status}' and cannot be exported")
    return print_transcript(job)


def _turns(printed: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The words by turn; without speaker labels the whole text is one."""
    if printed["utterances"]:
        return [utterance["words"] for utterance in printed["utterances"]]
    return [printed["words"]] if printed["words"] else []


def _split(words: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    sentences: list[list[dict[str, Any]]] = [[]]
    for word in words:
        sentences[-1].append(word)
        if word["text"].endswith(_ENDINGS) and word["text"] not in ("Mr.", "Mrs.", "Ms.", "Dr."):
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _print_passage(words: list[dict[str, Any]], *, speaker: bool) -> dict[str, Any]:
    printed = {
        "text": " ".join(word["text"] for word in words),
        "start": words[0]["start"],
        "end": words[-1]["end"],
        "confidence": round(sum(word["confidence"] for word in words) / len(words), 7),
        "words": words,
    }
    return {**printed, "speaker": words[0]["speaker"]} if speaker else printed


def _ends(printed: dict[str, Any]) -> dict[str, Any]:
    return {name: printed[name] for name in ("id", "confidence", "audio_duration", "speech_model_used")}
