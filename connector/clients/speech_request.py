"""The body that starts a transcription, built with the vendor's own SDK. In: address, words, options. Out: a dict.

Never sends a request and never touches the SDK's global settings; an option the SDK would drop is an error here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import assemblyai

from connector.errors import Misconfigured

_LONGEST_ROLE = 35
_LONGEST_PROMPT = 1500
Guidance = Literal["keyterms", "prompt"]


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How visits are transcribed: models in order of preference, domain (`medical-v1` or None), roles to tell apart.

    `language` is the vendor's code such as `en` or `en_us`; None lets the vendor detect it. `prompt` says in words what
    is being recorded. Where one of the models takes a prompt or keyterms, not both (`exclusive`), `prefers` is sent.
    With `by_channel` each channel is one speaker, and nobody has to be told apart.
    """

    speech_models: tuple[str, ...]
    domain: str | None = "medical-v1"
    roles: tuple[str, ...] = ("Doctor", "Patient")
    language: str | None = "en"
    prompt: str | None = None
    exclusive: bool = False
    prefers: Guidance = "keyterms"
    by_channel: bool = False

    @property
    def sends_keyterms(self) -> bool:
        """Whether the models are told keyterms, or a prompt instead."""
        return not (self.exclusive and self.prompt and self.prefers == "prompt")


def check_options(options: SpeechOptions) -> None:
    """Raise Misconfigured for what the vendor would refuse or could not tell apart, at start rather than in a visit."""
    if not options.speech_models:
        raise Misconfigured("No speech model is set: name at least one in the settings.")
    if any(not role or len(role) > _LONGEST_ROLE for role in options.roles):
        raise Misconfigured(f"Speaker roles must have 1 to {_LONGEST_ROLE} characters: shorten them in the settings.")
    if options.prompt is not None and not 0 < len(options.prompt.split()) <= _LONGEST_PROMPT:
        raise Misconfigured(f"CONNECTOR_SPEECH_PROMPT must have 1 to {_LONGEST_PROMPT} words.")
    if options.prefers == "prompt" and options.prompt is None:
        raise Misconfigured("CONNECTOR_SPEECH_PREFERS says prompt, and CONNECTOR_SPEECH_PROMPT holds none.")


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
    if options.language:
        wanted["language_code"] = options.language
    else:
        wanted["language_detection"] = True
    told = options.sends_keyterms and bool(keyterms)
    if told:
        wanted["keyterms_prompt"] = list(keyterms)
    if options.prompt and not (told and options.exclusive):
        wanted["prompt"] = options.prompt
    if options.roles and not options.by_channel:
        roles = {"speaker_type": "role", "known_values": list(options.roles)}
        wanted["speech_understanding"] = {"request": {"speaker_identification": roles}}
    return wanted
