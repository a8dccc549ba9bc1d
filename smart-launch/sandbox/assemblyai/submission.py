"""In: the JSON body of POST /v2/transcript. Out: a checked Submission, or Refused with the vendor's 400.

Knows only the options the sandbox acts on or echoes; unknown ones are ignored, as the vendor does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from connector_sandbox.assemblyai.redaction import SUBSTITUTIONS, Redaction
from connector_sandbox.assemblyai.refusals import Refused

DEFAULT_MODELS = ("universal-3-5-pro", "universal-2")
MEDICAL = "medical-v1"
MEDICAL_LANGUAGES = ("en", "es", "de", "fr")
MOST_KEYTERMS = {"universal-3-pro": 1000, "universal-3-5-pro": 1000, "universal-2": 200}
MOST_KEYTERM_WORDS = 6
MOST_PROMPT_WORDS = 1500
MOST_SPEAKERS = 26
LONGEST_ROLE = 35
# None: every language. The sets are what the vendor's pages name; they matter only for who answers and the 400.
MODEL_LANGUAGES: dict[str, frozenset[str] | None] = {
    "universal-3-pro": frozenset({"en", "es", "de", "fr", "pt", "it"}),
    "universal-3-5-pro": frozenset(
        {"en", "es", "de", "fr", "pt", "it", "nl", "sv", "no", "da", "fi", "pl", "tr", "ru", "hi", "ja", "ko", "zh"}
    ),
    "universal-2": None,
}
_NOT_OFFERED = (
    "audio_start_from",
    "audio_end_at",
    "auto_chapters",
    "auto_highlights",
    "content_safety",
    "custom_spelling",
    "filter_profanity",
    "iab_categories",
    "sentiment_analysis",
    "summarization",
)


@dataclass(frozen=True)
class RoleRequest:
    """Role or name identification: `kind` is "role" or "name", `values` the labels to choose from."""

    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Submission:
    """A job as asked for; `body` is what was sent, for the echo."""

    audio_url: str
    models: tuple[str, ...]
    model_used: str
    language: str
    domain: str | None
    domain_used: str | None
    roles: RoleRequest | None
    redaction: Redaction | None
    warnings: tuple[str, ...]
    body: dict[str, Any]
    language_confidence: float | None = None
    switched: tuple[tuple[str, float], ...] = ()

    @property
    def detects(self) -> bool:
        """Whether the language is to be found out."""
        return bool(self.body.get("language_detection")) and not self.body.get("language_code")

    @property
    def tells_speakers_apart(self) -> bool:
        """Whether utterances were asked for."""
        return bool(self.body.get("speaker_labels")) or self.multichannel

    @property
    def multichannel(self) -> bool:
        """Whether each channel is to be a speaker."""
        return bool(self.body.get("multichannel"))

    @property
    def speakers_range(self) -> tuple[int, int]:
        """How many speakers there are to be, at least and at most."""
        options = self.body.get("speaker_options") or {}
        exact = self.body.get("speakers_expected")
        least, most = (options.get(f"{bound}_speakers_expected") for bound in ("min", "max"))
        return exact or least or 1, exact or most or MOST_SPEAKERS


def read_submission(body: Any) -> Submission:
    """Check a body by the vendor's rules; Refused (400) names the first one broken."""
    if not isinstance(body, dict):
        raise Refused(400, "Request body must be a JSON object")
    audio_url = _read_audio_url(body)
    language = _read_language(body)
    models = _read_models(body)
    model_used = choose_model(models, language)
    _check_vocabulary(body, model_used)
    _check_speakers(body)
    redaction = _read_redaction(body)
    _check_webhook(body)
    roles = _read_roles(body)
    domain = _optional_text(body, "domain")
    if domain not in (None, MEDICAL):
        _refuse(f'"domain" must be one of: "{MEDICAL}"')
    domain_used, warnings = judge_domain(body, language)
    return Submission(
        audio_url=audio_url,
        models=models,
        model_used=model_used,
        language=language,
        domain=domain,
        domain_used=domain_used,
        roles=roles,
        redaction=redaction,
        warnings=warnings,
        body=body,
    )


def _read_audio_url(body: dict[str, Any]) -> str:
    url = body.get("audio_url")
    if not url:
        _refuse('"audio_url" is required')
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        _refuse("Transcript creation error, audio_url should start with http")
    return str(url)


def _read_language(body: dict[str, Any]) -> str:
    language = _optional_text(body, "language_code")
    if language is None:
        return "en" if body.get("language_detection") else "en_us"
    if not re.fullmatch(r"[a-z]{2,3}(_[a-z]{2})?", language):
        _refuse(f'"language_code" must be one of the supported languages, not "{language[:20]}"')
    return "en_us" if language == "en" else language


def _read_models(body: dict[str, Any]) -> tuple[str, ...]:
    if body.get("speech_model") is not None:
        _refuse('"speech_model" is deprecated. Use "speech_models" instead.')
    models = body.get("speech_models", list(DEFAULT_MODELS))
    known = list(MODEL_LANGUAGES)
    if not isinstance(models, list) or not models or any(model not in known for model in models):
        names = ", ".join(f'"{name}"' for name in known)
        _refuse(f'"speech_models" must be a non-empty list containing one or more of: {names}')
    return tuple(models)


def choose_model(models: tuple[str, ...], language: str) -> str:
    """The first of the models that knows the language; Refused (400) if none does."""
    for model in models:
        languages = MODEL_LANGUAGES[model]
        if languages is None or language[:2] in languages:
            return model
    raise Refused(400, f"The following models are not available in this language: {', '.join(models)}")


def _check_vocabulary(body: dict[str, Any], model: str) -> None:
    prompt = _optional_text(body, "prompt")
    keyterms = body.get("keyterms_prompt") or []
    if not isinstance(keyterms, list) or not all(isinstance(term, str) and term.strip() for term in keyterms):
        _refuse('"keyterms_prompt" must be a list of non-empty strings')
    if len(keyterms) > MOST_KEYTERMS[model]:
        _refuse(f'"keyterms_prompt" can hold at most {MOST_KEYTERMS[model]} terms with {model}')
    if any(len(term.split()) > MOST_KEYTERM_WORDS for term in keyterms):
        _refuse(f'each term in "keyterms_prompt" can have at most {MOST_KEYTERM_WORDS} words')
    if prompt is not None and len(prompt.split()) > MOST_PROMPT_WORDS:
        _refuse(f'"prompt" can have at most {MOST_PROMPT_WORDS} words')
    if prompt and keyterms and model == "universal-3-pro":
        _refuse(f'"prompt" and "keyterms_prompt" cannot be used together with {model}')
    for name in ("speech_threshold", "language_confidence_threshold"):
        threshold = body.get(name)
        if threshold is not None and not (_is_number(threshold) and 0 <= threshold <= 1):
            _refuse(f'"{name}" must be between 0 and 1')
    options = body.get("language_detection_options") or {}
    if not isinstance(options, dict):
        _refuse('"language_detection_options" must be an object')
    if not isinstance(options.get("code_switching") or False, bool):
        _refuse('"code_switching" must be true or false')


def _check_speakers(body: dict[str, Any]) -> None:
    if body.get("speaker_options") is not None and body.get("speakers_expected") is not None:
        _refuse('"speaker_options" and "speakers_expected" cannot be used together')
    options = body.get("speaker_options") or {}
    if not isinstance(options, dict):
        _refuse('"speaker_options" must be an object')
    bounds = {f"{bound}_speakers_expected": options.get(f"{bound}_speakers_expected") for bound in ("min", "max")}
    for name, count in {"speakers_expected": body.get("speakers_expected"), **bounds}.items():
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            _refuse(f'"{name}" must be a positive integer')
    least, most = bounds.values()
    if least and most and least > most:
        _refuse('"min_speakers_expected" cannot be greater than "max_speakers_expected"')


def _read_redaction(body: dict[str, Any]) -> Redaction | None:
    if body.get("redact_pii_return_unredacted") and not body.get("redact_pii"):
        _refuse('"redact_pii_return_unredacted" requires "redact_pii"')
    if body.get("redact_pii") and "custom_formatting" in _understanding(body):
        _refuse('"redact_pii" and "custom_formatting" cannot be used together')
    policies = body.get("redact_pii_policies") or []
    if not isinstance(policies, list) or not all(isinstance(policy, str) for policy in policies):
        _refuse('"redact_pii_policies" must be a list of strings')
    substitution = _one_of(body, "redact_pii_sub", SUBSTITUTIONS)
    quality = _one_of(body, "redact_pii_audio_quality", ("mp3", "wav"))
    options = body.get("redact_pii_audio_options") or {}
    if not body.get("redact_pii"):
        return None
    return Redaction(
        policies=tuple(policies),
        substitution=substitution,
        returns_unredacted=bool(body.get("redact_pii_return_unredacted")),
        audio=quality if body.get("redact_pii_audio") else None,
        silences=isinstance(options, dict) and options.get("override_audio_redaction_method") == "silence",
    )


def _one_of(body: dict[str, Any], name: str, values: tuple[str, ...]) -> str:
    """The value of an option, the first of `values` where it is not set."""
    value = body.get(name) or values[0]
    if value not in values:
        _refuse(f'"{name}" must be one of: {", ".join(values)}')
    return str(value)


def _check_webhook(body: dict[str, Any]) -> None:
    url = _optional_text(body, "webhook_url")
    name = _optional_text(body, "webhook_auth_header_name")
    value = _optional_text(body, "webhook_auth_header_value")
    parts = urlsplit(url or "")
    if url is not None and (parts.scheme not in ("http", "https") or not parts.hostname):
        _refuse('"webhook_url" must be a valid URL starting with http')
    if (name is None) != (value is None):
        _refuse('"webhook_auth_header_name" and "webhook_auth_header_value" must be used together')
    if name is not None and not re.fullmatch(r"[A-Za-z0-9-]+", name):
        _refuse('"webhook_auth_header_name" is not a valid header name')


def _understanding(body: dict[str, Any]) -> dict[str, Any]:
    wanted = body.get("speech_understanding") or {}
    request = wanted.get("request") if isinstance(wanted, dict) else None
    if wanted and not isinstance(request, dict):
        _refuse('"speech_understanding" must hold a "request"')
    return request or {}


def _read_roles(body: dict[str, Any]) -> RoleRequest | None:
    wanted = _understanding(body).get("speaker_identification")
    if wanted is None:
        return None
    kind = wanted.get("speaker_type") if isinstance(wanted, dict) else None
    if kind not in ("role", "name"):
        _refuse('"speaker_type" must be one of: "role", "name"')
    if not body.get("speaker_labels") and not body.get("multichannel"):
        _refuse('"speaker_identification" requires "speaker_labels" or "multichannel"')
    values, speakers = wanted.get("known_values"), wanted.get("speakers")
    if (values is None) == (speakers is None):
        _refuse('"speaker_identification" needs exactly one of "known_values" and "speakers"')
    if isinstance(speakers, list):
        values = [one.get(kind) if isinstance(one, dict) else None for one in speakers]
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        _refuse(f'"speaker_identification" needs the {kind} of each speaker as a string')
    if any(len(one) > LONGEST_ROLE for one in values):
        _refuse(f'each value of "known_values" can have at most {LONGEST_ROLE} characters')
    return RoleRequest(kind=kind, values=tuple(values))


def judge_domain(body: dict[str, Any], language: str) -> tuple[str | None, tuple[str, ...]]:
    """The domain that is used for this language, and what the transcript warns of."""
    medical = body.get("domain") == MEDICAL and language[:2] in MEDICAL_LANGUAGES
    left_out = [option for option in _NOT_OFFERED if body.get(option)]
    left_out += [option for option in ("translation", "custom_formatting") if option in _understanding(body)]
    warnings = [f"Sandbox: {option} is not offered and was left out" for option in left_out]
    if body.get("domain") == MEDICAL and not medical:
        warnings.append(
            f"Medical Mode does not support the language {language}: {MEDICAL} correction was skipped and not billed."
        )
    return MEDICAL if medical else None, tuple(warnings)


def _optional_text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        _refuse(f'"{name}" must be a string')
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(text: str) -> NoReturn:
    raise Refused(400, text)
