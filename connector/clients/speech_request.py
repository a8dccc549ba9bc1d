"""The body that starts a transcription, built with the vendor's own SDK. In: address, words, options. Out: a dict.

Never sends a request and never touches the SDK's global settings; an option the SDK would drop is an error here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import urlsplit

import assemblyai

from connector.errors import Misconfigured

LONGEST_ROLE = 35
"""Most characters of a role or name that speakers are told apart by."""
_LONGEST_PROMPT = 1500
_MOST_NEAR = 3
Guidance = Literal["keyterms", "prompt"]


@dataclass(frozen=True, slots=True)
class Detection:
    """How the vendor finds out the language: of the `expected` ones where any are named, `fallback` where it is none
    of them or surer than `least_confidence` (0 to 1) it cannot be. `mixed`: more than one is spoken."""

    expected: tuple[str, ...] = ()
    fallback: str | None = None
    least_confidence: float | None = None
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class SpeakerCount:
    """How many voices there are to be, from `least` to `most`; `exact` where the vendor is held to one number."""

    least: int
    most: int
    exact: bool = False


@dataclass(frozen=True, slots=True)
class SpeakerAsked:
    """One person to be told apart: the role shown, the name where it may leave the house, what they do in a visit."""

    role: str
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What the vendor takes out of a copy of the words, by its own names of `policies`, and what stands there instead.
    `audio`: of the sound too; `silence` in place of a beep."""

    policies: tuple[str, ...]
    substitution: Literal["hash", "entity_name"] = "entity_name"
    audio: bool = False
    quality: Literal["mp3", "wav"] = "mp3"
    silence: bool = False


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the vendor tells that a job is done: our address, and a header whose value only the two of us know."""

    url: str
    header: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How a visit is transcribed: models in order of preference, domain (`medical-v1` or None), roles to tell apart.

    `language` is the vendor's code such as `en` or `en_us`; with None the vendor detects it, as `detection` says.
    `speakers` are sent in place of `roles` where there are any, `by_name` by their names. `prompt` says in words what
    is being recorded. Where one of the models takes a prompt or keyterms, not both (`exclusive`), `prefers` is sent.
    With `by_channel` each channel is one speaker, and nobody has to be told apart or counted.
    """

    speech_models: tuple[str, ...]
    domain: str | None = "medical-v1"
    roles: tuple[str, ...] = ("Doctor", "Patient")
    language: str | None = "en"
    prompt: str | None = None
    exclusive: bool = False
    prefers: Guidance = "keyterms"
    by_channel: bool = False
    detection: Detection | None = None
    speakers: tuple[SpeakerAsked, ...] = ()
    by_name: bool = False
    count: SpeakerCount | None = None
    entities: bool = False
    redaction: Redaction | None = None
    webhook: Webhook | None = None

    @property
    def sends_keyterms(self) -> bool:
        """Whether the models are told keyterms, or a prompt instead."""
        return not (self.exclusive and self.prompt and self.prefers == "prompt")

    @property
    def told_apart_by(self) -> tuple[str, ...]:
        """The roles or names the vendor chooses from."""
        if self.speakers:
            return tuple(one.name if self.by_name else one.role for one in self.speakers)
        return self.roles


def check_options(options: SpeechOptions) -> None:
    """Raise Misconfigured for what the vendor would refuse, ignore or could not tell apart, rather than in a visit."""
    if not options.speech_models:
        raise Misconfigured("No speech model is set: name at least one in the settings.")
    if any(not one or len(one) > LONGEST_ROLE for one in options.told_apart_by):
        raise Misconfigured(f"Speaker roles must have 1 to {LONGEST_ROLE} characters: shorten them in the settings.")
    if len(set(options.told_apart_by)) < len(options.told_apart_by):
        raise Misconfigured("Each speaker role may stand once in CONNECTOR_SPEECH_ROLES.")
    if options.prompt is not None and not 0 < len(options.prompt.split()) <= _LONGEST_PROMPT:
        raise Misconfigured(f"CONNECTOR_SPEECH_PROMPT must have 1 to {_LONGEST_PROMPT} words.")
    if options.prefers == "prompt" and options.prompt is None:
        raise Misconfigured("CONNECTOR_SPEECH_PREFERS says prompt, and CONNECTOR_SPEECH_PROMPT holds none.")
    if options.count is not None and not 1 <= options.count.least <= options.count.most:
        raise Misconfigured("The number of speakers must run from at least 1 to no fewer than that.")
    if options.redaction is not None:
        check_redaction(options.redaction)
    if options.webhook is not None:
        _check_webhook(options.webhook)


def check_redaction(redaction: Redaction) -> None:
    """Raise Misconfigured for a policy that is not one of the vendor's own: it would be ignored without a word, and
    what it names would stay in the redacted copy."""
    known = [policy.value for policy in assemblyai.PIIRedactionPolicy]
    if not redaction.policies:
        raise Misconfigured("CONNECTOR_REDACTION_POLICIES names nothing to take out.")
    for policy in redaction.policies:
        if policy not in known:
            near = get_close_matches(policy, known, n=_MOST_NEAR) or known
            raise Misconfigured(
                f"CONNECTOR_REDACTION_POLICIES: the vendor knows no policy {policy!r}, and would ignore it. "
                f"Near it are: {', '.join(near)}."
            )


def _check_webhook(webhook: Webhook) -> None:
    parts = urlsplit(webhook.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not webhook.header or not webhook.secret:
        raise Misconfigured("A webhook needs an address beginning with http, a header's name and its secret.")


def build_transcript_request(audio_url: str, keyterms: Sequence[str], *, options: SpeechOptions) -> dict[str, Any]:
    """Return the JSON body of POST /v2/transcript for an uploaded recording.

    `keyterms` are sent as they are, best first; models that take one of both get the prompt only where it is preferred
    or there are no keyterms. Raises Misconfigured where `check_options` does, or where the SDK does not carry an option
    to the wire.
    """
    check_options(options)
    wanted = _wanted(keyterms, options)
    config = assemblyai.TranscriptionConfig(**wanted)
    carried: dict[str, Any] = config.raw.model_dump(mode="json", exclude_none=True)
    require_carried(wanted, carried)
    return {"audio_url": audio_url, **carried}


def require_carried(wanted: Mapping[str, Any], carried: Mapping[str, Any]) -> None:
    """Pass when every option wanted is among those carried, unchanged; raise Misconfigured naming the others.

    The SDK drops options it does not know without a word, so another version of it could lose one.
    """
    dropped = sorted(name for name, value in wanted.items() if carried.get(name) != value)
    if dropped:
        raise Misconfigured(f"The installed AssemblyAI SDK does not carry {', '.join(dropped)}: install 1.8 or newer.")


def _wanted(keyterms: Sequence[str], options: SpeechOptions) -> dict[str, Any]:
    """Return the options of one job under the vendor's names, leaving out those that are not used."""
    apart = "multichannel" if options.by_channel else "speaker_labels"
    wanted: dict[str, Any] = {"speech_models": list(options.speech_models), apart: True}
    if options.domain:
        wanted["domain"] = options.domain
    wanted |= _wanted_language(options)
    told = options.sends_keyterms and bool(keyterms)
    if told:
        wanted["keyterms_prompt"] = list(keyterms)
    if options.prompt and not (told and options.exclusive):
        wanted["prompt"] = options.prompt
    if not options.by_channel:
        wanted |= _wanted_speakers(options)
    if options.entities:
        wanted["entity_detection"] = True
    if options.redaction is not None:
        wanted |= _wanted_redaction(options.redaction)
    if options.webhook is not None:
        wanted["webhook_url"] = options.webhook.url
        wanted["webhook_auth_header_name"] = options.webhook.header
        wanted["webhook_auth_header_value"] = options.webhook.secret
    return wanted


def _wanted_language(options: SpeechOptions) -> dict[str, Any]:
    if options.language:
        return {"language_code": options.language}
    wanted: dict[str, Any] = {"language_detection": True}
    told, details = options.detection or Detection(), dict[str, Any]()
    if told.expected:
        details["expected_languages"] = list(told.expected)
    if told.fallback:
        details["fallback_language"] = told.fallback
    if told.mixed:
        details["code_switching"] = True
    if told.least_confidence is not None:
        wanted["language_confidence_threshold"] = told.least_confidence
        if told.fallback:
            details["on_low_language_confidence"] = "fallback"
    return wanted | ({"language_detection_options": details} if details else {})


def _wanted_speakers(options: SpeechOptions) -> dict[str, Any]:
    """How many voices, as a number or a range and never both, and whom they may belong to."""
    wanted: dict[str, Any] = {}
    if options.count is not None and options.count.exact:
        wanted["speakers_expected"] = options.count.least
    elif options.count is not None:
        least, most = options.count.least, options.count.most
        wanted["speaker_options"] = {"min_speakers_expected": least, "max_speakers_expected": most}
    if not options.told_apart_by:
        return wanted
    kind = "name" if options.by_name and options.speakers else "role"
    asked: dict[str, Any] = {"speaker_type": kind}
    if options.speakers:
        rows = zip(options.told_apart_by, options.speakers, strict=True)
        asked["speakers"] = [
            {kind: value, **({"description": one.description} if one.description else {})} for value, one in rows
        ]
    else:
        asked["known_values"] = list(options.roles)
    return {**wanted, "speech_understanding": {"request": {"speaker_identification": asked}}}


def _wanted_redaction(redaction: Redaction) -> dict[str, Any]:
    """A redacted copy beside the words themselves, which come back as `unredacted_...`."""
    wanted: dict[str, Any] = {
        "redact_pii": True,
        "redact_pii_policies": list(redaction.policies),
        "redact_pii_sub": redaction.substitution,
        "redact_pii_return_unredacted": True,
    }
    if redaction.audio:
        wanted["redact_pii_audio"] = True
        wanted["redact_pii_audio_quality"] = redaction.quality
    if redaction.audio and redaction.silence:
        wanted["redact_pii_audio_options"] = {"override_audio_redaction_method": "silence"}
    return wanted
