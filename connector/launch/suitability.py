"""What will and will not work with an EHR. In: what it publishes about itself. Out: findings in plain words.

It judges by what the EHR says; whether that is true shows in the first launch. Nothing it reads is repeated unquoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.launch.discovery import Endpoints
from connector.launch.ehr import RegisteredEhr
from connector.launch.scopes import parse_scopes

_READ = {
    "Patient": "read",
    "Encounter": "read",
    "MedicationRequest": "search-type",
    "AllergyIntolerance": "search-type",
    "Condition": "search-type",
    "Observation": "search-type",
}
_BATCH = {
    True: "The server declares batch or transaction.",
    False: "The server declares no batch; the chart is read request by request, four at a time, in any case.",
}


class Weight(StrEnum):
    """`good` works, `poor` works less well or not everywhere, `bad`: no launch can work."""

    GOOD = "good"
    POOR = "poor"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in a sentence for an integrator."""

    weight: Weight
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Plans:
    """How the connector is to use the EHR: registration and write profile, as far as they matter here."""

    auth_method: str
    algorithm: str
    dialect: str
    standalone: bool
    composition: bool
    provenance: bool
    conditional_create: bool


def judge_launch(
    body: Mapping[str, object], endpoints: Endpoints, ehr: RegisteredEhr, *, plans: Plans
) -> tuple[Finding, ...]:
    """Judge the SMART configuration `body` that `endpoints` were read from (SMART App Launch 2.2, "Conformance")."""
    found = [
        Finding(Weight.GOOD, "PKCE", "The EHR takes PKCE with S256, which every launch uses."),
        _judge_identity(endpoints),
        _judge_issuer(endpoints),
        *_judge_authentication(body, endpoints, plans),
        *_judge_ways_in(endpoints, plans),
        *_judge_scopes(body, endpoints, ehr, plans=plans),
    ]
    return tuple(found)


def judge_server(statement: Mapping[str, object], *, plans: Plans) -> tuple[Finding, ...]:
    """Judge a CapabilityStatement: what can be read, and whether a note can be filed as planned."""
    version = statement.get("fhirVersion")
    if not isinstance(version, str) or not version.startswith("4."):
        text = "The server does not say that it speaks FHIR R4, the only version the connector reads."
        return (Finding(Weight.BAD, "FHIR version", text),)
    rest = _objects(statement.get("rest"))
    server = rest[0] if rest else {}
    resources = {str(one.get("type")): one for one in _objects(server.get("resource"))}
    actions = {str(one.get("code")) for one in _objects(server.get("interaction"))}
    return (
        Finding(Weight.GOOD, "FHIR version", "The server speaks FHIR R4."),
        _judge_reading(resources),
        Finding(Weight.GOOD, "batch", _BATCH[bool({"batch", "transaction"} & actions)]),
        *_judge_filing(resources, actions, plans),
    )


def _judge_identity(endpoints: Endpoints) -> Finding:
    if endpoints.issuer is None or endpoints.jwks_uri is None:
        text = "The EHR publishes no issuer or no keys, so nobody can be identified: notes can be copied, not signed."
        return Finding(Weight.POOR, "sign-in", text)
    return Finding(Weight.GOOD, "sign-in", "The EHR publishes its issuer and keys: who signed in can be verified.")


def _judge_issuer(endpoints: Endpoints) -> Finding:
    if endpoints.answers_with_issuer:
        return Finding(Weight.GOOD, "answers", "The EHR names itself in its answers (RFC 9207), and is held to it.")
    text = "The EHR does not promise to name itself in its answers; its own redirect URI keeps them apart."
    return Finding(Weight.GOOD, "answers", text)


def _judge_authentication(body: Mapping[str, object], endpoints: Endpoints, plans: Plans) -> list[Finding]:
    topic, method = "client authentication", plans.auth_method
    offered = _strings(body.get("token_endpoint_auth_methods_supported"))
    if method == "public":
        hint = " It also takes key pairs, which are safer." if "private_key_jwt" in offered else ""
        said = not offered or "none" in offered or "client-public" in endpoints.capabilities
        text = f"The connector launches as a public client.{hint}"
        doubt = f"The EHR does not say that it takes public clients; a secret or key pair may be needed.{hint}"
        return [Finding(Weight.GOOD if said else Weight.POOR, topic, text if said else doubt)]
    if offered and method not in offered:
        text = f"The EHR does not take {method}; it takes {', '.join(map(_quoted, offered))}."
        return [Finding(Weight.BAD, topic, text)]
    algorithms = _strings(body.get("token_endpoint_auth_signing_alg_values_supported"))
    if method == "private_key_jwt" and algorithms and plans.algorithm not in algorithms:
        text = (
            f"The EHR does not take assertions with {plans.algorithm}; it takes {', '.join(map(_quoted, algorithms))}."
        )
        return [Finding(Weight.BAD, topic, text)]
    unsaid = "" if offered else " The EHR does not say which methods it takes."
    better = (
        " It also takes key pairs, which are safer." if "private_key_jwt" in offered and "jwt" not in method else ""
    )
    return [Finding(Weight.GOOD, topic, f"The connector proves itself by {method}.{unsaid}{better}")]


def _judge_ways_in(endpoints: Endpoints, plans: Plans) -> list[Finding]:
    found = []
    silent = not endpoints.capabilities
    if "launch-ehr" not in endpoints.capabilities:
        text = "The EHR does not say that it launches apps from a chart."
        found.append(Finding(Weight.POOR, "launch", text if not silent else text + " It names no capabilities at all."))
    else:
        found.append(Finding(Weight.GOOD, "launch", "The EHR launches apps from a chart."))
    if plans.standalone and "launch-standalone" not in endpoints.capabilities:
        found.append(Finding(Weight.POOR, "standalone", "The EHR does not say that apps may be started outside of it."))
    if "authorize-post" in endpoints.capabilities:
        found.append(Finding(Weight.GOOD, "authorization", "Long requests can be sent by form."))
    return found


def _judge_scopes(
    body: Mapping[str, object], endpoints: Endpoints, ehr: RegisteredEhr, *, plans: Plans
) -> list[Finding]:
    found = []
    spoken = [word for word in ("v1", "v2") if f"permission-{word}" in endpoints.capabilities]
    wanted = "v1" if plans.dialect == "v1" else "v2"
    if spoken and wanted not in spoken:
        text = f"The EHR says it reads scopes in {' and '.join(spoken)} only: set scope_dialect to {spoken[0]}."
        found.append(Finding(Weight.POOR, "scopes", text))
    asked = parse_scopes(" ".join(ehr.scopes))
    if any(scope.resource == "*" for scope in asked):
        text = "The registration asks for all kinds of records (*), which some EHRs refuse and none should be asked."
        found.append(Finding(Weight.POOR, "scopes", text))
    listed = set(_strings(body.get("scopes_supported")))
    unlisted = [scope for scope in ehr.scopes if parse_scopes(scope) and scope not in listed and "?" not in scope]
    if parse_scopes(" ".join(listed)) and unlisted:
        text = f"Not on the EHR's list, which need not be complete: {', '.join(unlisted)}."
        found.append(Finding(Weight.POOR, "scopes", text))
    if not any(scope.resource in ("DocumentReference", "*") and "c" in scope.letters for scope in asked):
        text = "The registration does not ask to create a DocumentReference: notes can be copied, not filed."
        found.append(Finding(Weight.POOR, "scopes", text))
    renewing = {"online_access", "offline_access"} & set(ehr.scopes)
    grants = _strings(body.get("grant_types_supported"))
    if not renewing or (grants and "refresh_token" not in grants):
        text = "Access may not be renewed: whoever takes longer than one token lives has to open the scribe again."
        found.append(Finding(Weight.POOR, "renewal", text))
    return found or [Finding(Weight.GOOD, "scopes", "Nothing speaks against the scopes that are asked for.")]


def _judge_reading(resources: Mapping[str, Mapping[str, object]]) -> Finding:
    missing = [name for name, action in _READ.items() if not _can(resources.get(name), action)]
    if not missing:
        return Finding(Weight.GOOD, "reading", "Everything the connector reads of a chart is offered.")
    text = f"Not offered for reading: {', '.join(missing)}. Those parts of the chart will be missing."
    return Finding(Weight.POOR, "reading", text)


def _judge_filing(resources: Mapping[str, Mapping[str, object]], actions: set[str], plans: Plans) -> list[Finding]:
    document = resources.get("DocumentReference")
    if not _can(document, "create"):
        text = "The server does not offer to create a DocumentReference: notes can be copied, not filed."
        return [Finding(Weight.POOR, "filing", text)]
    found = [Finding(Weight.GOOD, "filing", "A DocumentReference can be created.")]
    if not (_can(document, "read") and _can(document, "search-type")):
        text = "What was filed cannot be read back or found again: a person has to check that it arrived."
        found.append(Finding(Weight.POOR, "filing", text))
    if "transaction" not in actions:
        text = "The server declares no transaction, which notes are filed with."
        found.append(Finding(Weight.POOR, "filing", text))
    if plans.composition and not _can(resources.get("Composition"), "create"):
        text = "No Composition can be created: choose a vendor profile with composition: false."
        found.append(Finding(Weight.POOR, "sections", text))
    if plans.provenance and not _can(resources.get("Provenance"), "create", "update"):
        text = "No Provenance can be written: choose a vendor profile with provenance: false."
        found.append(Finding(Weight.POOR, "provenance", text))
    conditional = document is not None and document.get("conditionalCreate") is True
    if conditional:
        found.append(Finding(Weight.GOOD, "repeats", "The server declares conditional create: a repeat makes no copy."))
    else:
        text = "The server declares no conditional create: after a lost answer the note is searched for first."
        found.append(Finding(Weight.POOR if plans.conditional_create else Weight.GOOD, "repeats", text))
    return found


def _can(resource: Mapping[str, object] | None, *codes: str) -> bool:
    """Whether a resource of the CapabilityStatement offers at least one of the interactions."""
    offered = {one.get("code") for one in _objects(resource.get("interaction"))} if resource is not None else set()
    return bool(offered & set(codes))


def _objects(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _quoted(value: str) -> str:
    """A word of the EHR's own, cut and without anything a terminal could act upon."""
    return "".join(letter for letter in value if letter.isprintable())[:60]
