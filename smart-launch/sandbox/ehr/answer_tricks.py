"""In: a right token answer. Out: what is really granted instead, and what the app is told of it.
Never changes a token of another approval."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .mischief import ActiveMischief
from .scopes import Scope, parse_scope
from .tokens import Approval

Body = dict[str, Any]
SWAPPED = "other_patient"


@dataclass
class GrantedToken:
    """What is about to be granted: the approval and scope behind the token, and its life in seconds."""

    approval: Approval
    scope: str
    seconds: int


def bend_grant(granted: GrantedToken, active: ActiveMischief, *, refreshing: bool, other_patient: str) -> None:
    """Change what is really granted: patient, scope, life. `other_patient` is the id of somebody else."""
    patients = ("token_patient_other", *(("refresh_patient_swapped",) if refreshing else ()))
    for name in patients:
        if (options := active.strike(name)) is not None:
            patient = options["patient"] or other_patient
            granted.approval = replace(granted.approval, patient=patient, encounter=None)
    narrowers = ("token_scope_narrower", *(("refresh_scope_narrower",) if refreshing else ()))
    for name in narrowers:
        if (options := active.strike(name)) is not None:
            kept = [scope for scope in granted.scope.split() if not re.search(options["without"], scope)]
            granted.scope = " ".join(kept)
    if (options := active.strike("token_scope_wider")) is not None:
        granted.scope = f"{granted.scope} {options['more']}"
    if active.strike("token_expires_10") is not None:
        granted.seconds = 10


def needs_other_patient(active: ActiveMischief, *, refreshing: bool) -> bool:
    """True when bend_grant is going to name another patient."""
    return active.is_on("token_patient_other") or (refreshing and active.is_on("refresh_patient_swapped"))


def bend_answer(body: Body, active: ActiveMischief, *, refreshing: bool) -> None:
    """Change what the app is told."""
    for trick, options in active.strike_all(_TOLD):
        trick(body, options)
    if refreshing and active.strike("refresh_patient_missing") is not None:
        body.pop("patient", None)


def spell_answer(body: Body, active: ActiveMischief) -> tuple[str, str]:
    """The body as text and its media type."""
    if active.strike("token_form") is not None:
        return "&".join(f"{name}={value}" for name, value in body.items()), "text/plain"
    if active.strike("token_list") is not None:
        return json.dumps([body]), "application/json"
    text = json.dumps(body)
    if active.strike("token_keys_duplicated") is not None:
        text = '{"patient": "somebody-else", ' + text[1:]
    return text, "application/json"


def _tell(name: str, value: Any) -> Callable[[Body, Mapping[str, Any]], None]:
    def set_value(body: Body, _options: Mapping[str, Any]) -> None:
        body[name] = value

    return set_value


def _hide(name: str) -> Callable[[Body, Mapping[str, Any]], None]:
    def drop(body: Body, _options: Mapping[str, Any]) -> None:
        body.pop(name, None)

    return drop


def _refer(body: Body, _options: Mapping[str, Any]) -> None:
    body["patient"] = f"Patient/{body.get('patient', '')}"


def _tell_encounter(body: Body, options: Mapping[str, Any]) -> None:
    body["encounter"] = options["encounter"]


def _write_expiry(body: Body, _options: Mapping[str, Any]) -> None:
    body["expires_in"] = str(body["expires_in"])


def _respell(body: Body, _options: Mapping[str, Any]) -> None:
    body["scope"] = " ".join(respell_scope(text) for text in body["scope"].split())


def _style(body: Body, options: Mapping[str, Any]) -> None:
    body["smart_style_url"] = options["url"]


def _foreign_context(body: Body, options: Mapping[str, Any]) -> None:
    body["fhirContext"] = [{"reference": f"{options['to']}/fhir/ImagingStudy/1"}]


def respell_scope(text: str) -> str:
    """The same permission in other words: .rs as .read, everything else letter by letter, creation apart."""
    scope = parse_scope(text)
    if scope is None:
        return text
    if scope.letters == frozenset("rs") and not scope.categories:
        return f"{scope.context}/{scope.resource_type}.{'rs' if text.endswith('.read') else 'read'}"
    parts = [frozenset("cud") & scope.letters, frozenset("rs") & scope.letters]
    said = (Scope(scope.context, scope.resource_type, part, scope.categories).spell() for part in parts if part)
    return " ".join(said)


_TOLD: Mapping[str, Callable[[Body, Mapping[str, Any]], None]] = {
    "id_token_missing": _hide("id_token"),
    "token_patient_missing": _hide("patient"),
    "token_patient_empty": _tell("patient", ""),
    "token_patient_reference": _refer,
    "token_encounter_missing": _hide("encounter"),
    "token_encounter_other": _tell_encounter,
    "token_type_mac": _tell("token_type", "mac"),
    "token_type_missing": _hide("token_type"),
    "token_type_lower": _tell("token_type", "bearer"),
    "token_access_missing": _hide("access_token"),
    "token_expires_0": _tell("expires_in", 0),
    "token_expires_absent": _hide("expires_in"),
    "token_expires_negative": _tell("expires_in", -1),
    "token_expires_text": _write_expiry,
    "token_expires_huge": _tell("expires_in", 10**12),
    "token_scope_respelt": _respell,
    "token_scope_empty": _tell("scope", ""),
    "token_scope_absent": _hide("scope"),
    "token_intent_unknown": _tell("intent", "<b>no-such-intent</b>"),
    "token_style_hostile": _style,
    "token_fhir_context_foreign": _foreign_context,
    "token_fhir_context_malformed": _tell("fhirContext", "Encounter/1"),
    "token_banner_text": _tell("need_patient_banner", "false"),
}
