"""In: a job that wants its language detected, and what was heard. Out: the job with the language that is spoken in it.

Knows the language from the script. Never changes a job that named its language, and knows nothing where nobody speaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from connector_sandbox.assemblyai.hearing import NotTranscribed
from connector_sandbox.assemblyai.playback import HeardTurn
from connector_sandbox.assemblyai.refusals import Refused
from connector_sandbox.assemblyai.submission import Submission, choose_model, judge_domain

ENOUGH_MS = 15_000
MOST_SWITCHED = 2
UNSURE = (
    "detected language '{language}', with confidence {confidence}, is below the requested confidence threshold "
    "value of '{threshold}'"
)


def settle_language(asked: Submission, turns: Sequence[HeardTurn]) -> Submission:
    """The submission with language, model and domain as the speech has them; NotTranscribed below the threshold.

    Confidence is 0.98 for 15 s of speech and falls to 0.5 with less. `language_detection_options` may name the
    languages to choose from, and the one to fall back on; with `code_switching` the two heard most are named, each with
    its share of the speech.
    """
    if not asked.detects or not turns:
        return asked
    said = Counter[str]()
    for turn in turns:
        said[turn.language] += sum(word.end - word.start for word in turn.words)
    language = said.most_common(1)[0][0]
    confidence = round(0.5 + 0.48 * min(1.0, sum(said.values()) / ENOUGH_MS), 4)
    language = _choose(asked, language, confidence=confidence)
    try:
        model = choose_model(asked.models, language)
    except Refused as refused:
        raise NotTranscribed(refused.text) from None
    domain_used, warnings = judge_domain(asked.body, language)
    return replace(
        asked,
        language=language,
        language_confidence=confidence,
        switched=_list_switched(asked, said),
        model_used=model,
        domain_used=domain_used,
        warnings=warnings,
    )


def _list_switched(asked: Submission, said: Counter[str]) -> tuple[tuple[str, float], ...]:
    options = asked.body.get("language_detection_options") or {}
    if not options.get("code_switching"):
        return ()
    least = options.get("code_switching_confidence_threshold") or 0
    shares = [(language, round(spoken / said.total(), 4)) for language, spoken in said.most_common(MOST_SWITCHED)]
    return tuple((language, share) for language, share in shares if share >= least)


def _choose(asked: Submission, language: str, *, confidence: float) -> str:
    options = asked.body.get("language_detection_options") or {}
    expected = options.get("expected_languages") or []
    fallback = options.get("fallback_language")
    fallback = None if fallback == "auto" else fallback
    threshold = asked.body.get("language_confidence_threshold") or 0
    if confidence < threshold:
        if fallback is None:
            raise NotTranscribed(UNSURE.format(language=language, confidence=confidence, threshold=threshold))
        return str(fallback)
    if expected and language not in expected:
        return str(fallback or expected[0])
    return language
