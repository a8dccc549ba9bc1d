"""In: the redirect that answers an authorization request. Out: the same, as a broken or hostile server would send it.
Never changes where the redirect goes, only what it carries."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .mischief import ActiveMischief
from .mischief_table import OAUTH_ERRORS, OIDC_ERRORS

Pairs = list[tuple[str, str]]
Trick = Callable[[Pairs, Mapping[str, Any]], Pairs]
MARKUP = '<img src=x onerror="alert(1)"><script>alert(1)</script>'
WRONG = "the-value-of-another-request"


def bend_callback(location: str, active: ActiveMischief, *, fhir_base: str) -> str:
    """The Location after every callback mischief in force."""
    parts = urlsplit(location)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    bent = pairs
    for trick, options in active.strike_all(TRICKS):
        bent = trick(bent, {**options, "fhir_base": fhir_base})
    return location if bent is pairs else parts._replace(query=urlencode(bent)).geturl()


def _error(code: str, **more: str) -> Trick:
    def answer_error(pairs: Pairs, _options: Mapping[str, Any]) -> Pairs:
        return [("error", code), *more.items(), *(pair for pair in pairs if pair[0] != "code")]

    return answer_error


def _replace(name: str, make: Callable[[Mapping[str, Any]], str]) -> Trick:
    def replace_value(pairs: Pairs, options: Mapping[str, Any]) -> Pairs:
        return [(known, make(options) if known == name else value) for known, value in pairs]

    return replace_value


def _without(name: str) -> Trick:
    def drop(pairs: Pairs, _options: Mapping[str, Any]) -> Pairs:
        return [pair for pair in pairs if pair[0] != name]

    return drop


def _double(name: str) -> Trick:
    def prepend(pairs: Pairs, _options: Mapping[str, Any]) -> Pairs:
        return [(name, WRONG), *pairs]

    return prepend


def _add_error(pairs: Pairs, _options: Mapping[str, Any]) -> Pairs:
    return [("error", "access_denied"), *pairs]


TRICKS: Mapping[str, Trick] = {
    **{f"callback_{code}": _error(code) for code in (*OAUTH_ERRORS, *OIDC_ERRORS)},
    "callback_error_unknown": _error("sandbox_ehr_unheard_of", error_description="Nobody knows this error."),
    "callback_error_markup": _error("access_denied", error_description=MARKUP, error_uri="javascript:alert(1)"),
    "callback_error_and_code": _add_error,
    "callback_iss_missing": _without("iss"),
    "callback_iss_wrong": _replace("iss", lambda options: str(options["iss"])),
    "callback_iss_fhir_base": _replace("iss", lambda options: str(options["fhir_base"])),
    "callback_iss_doubled": _double("iss"),
    "callback_state_missing": _without("state"),
    "callback_state_wrong": _replace("state", lambda _options: WRONG),
    "callback_state_doubled": _double("state"),
    "callback_code_missing": _without("code"),
    "callback_code_doubled": _double("code"),
    "callback_code_unknown": _replace("code", lambda _options: WRONG),
}
