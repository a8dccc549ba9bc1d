"""Who launched the scribe. In: the EHR's id_token and a launch's tokens. Out: a Clinician, proven or unknown.

Nobody is believed without a verified id_token, and no record outside the launch's own FHIR base is ever asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.clients.fhir import FhirLimits, FhirServer
from connector.errors import LaunchRefused
from connector.launch.abilities import may
from connector.launch.identity import Identity, KeyUnknown, find_own_record, verify_id_token
from connector.launch.pending import PendingLaunch
from connector.launch.token_answer import GrantedTokens
from connector.visit.access import find_registration
from connector.visit.arriving import Clinician
from connector.visit.parts import Parts

UNKNOWN = Clinician(None, None)
# Somebody is looking at an empty page while these are read.
_HASTE = FhirLimits(read_deadline=8.0, retries=1, patience=2.0)


async def identify(
    parts: Parts, pending: PendingLaunch, granted: GrantedTokens, *, identity: Identity | None
) -> Clinician:
    """The practitioner behind a launch; UNKNOWN where the EHR proves none, and then nobody can sign.

    Raises LaunchRefused where this EHR's registration requires a proof and there is none.
    """
    clinician = UNKNOWN
    if identity is not None and identity.fhir_user is not None:
        clinician = await _resolve(parts, pending, granted, identity.fhir_user)
    if clinician.reference is None and find_registration(parts, pending.tenant).require_fhir_user:
        raise LaunchRefused(
            "The EHR did not prove which clinician is signed in, which this site requires. "
            "Sign in to the EHR as yourself and open the scribe from the chart again."
        )
    return clinician


async def verify_identity(parts: Parts, pending: PendingLaunch, granted: GrantedTokens) -> Identity | None:
    """What the id_token proves, None where the EHR sent none or names no keys; LaunchRefused for one that lies."""
    token, address = granted.id_token, pending.endpoints.jwks_uri
    if token is None or address is None or pending.endpoints.issuer is None:
        return None

    def verify(keys: Mapping[str, object]) -> Identity:
        return verify_id_token(token, keys=keys, pending=pending, now=parts.clock(), access_token=granted.access_token)

    try:
        return verify(await parts.key_sets.obtain(address))
    except KeyUnknown:
        return verify(await parts.key_sets.renew(address))


async def _resolve(parts: Parts, pending: PendingLaunch, granted: GrantedTokens, fhir_user: str) -> Clinician:
    """The Practitioner a fhirUser claim stands for, with a name; UNKNOWN for patients, people elsewhere and nobody.

    A record that may not be read, or cannot be just now, is believed to be there; one the EHR does not have is not.
    """

    async def token(renew: bool) -> str:
        del renew
        return granted.access_token

    server = FhirServer(parts.ehr, pending.fhir_base, token, limits=_HASTE)
    reference, shown = find_own_record(fhir_user, pending.fhir_base), None
    if reference is not None and reference.startswith("PractitionerRole/"):
        reference, shown = await _find_practitioner(server, reference, pending.fhir_base)
        if reference is not None and not may(granted.scope, "r", resource="Practitioner", user=True):
            return Clinician(reference, shown)
    if reference is None or not reference.startswith("Practitioner/"):
        return UNKNOWN
    # The scope fhirUser is there so that the user's own record can be read (client requirement 202).
    answer = await server.read(reference)
    if answer.status in (404, 410):
        return UNKNOWN
    return Clinician(reference, _name_of(answer.body) or shown)


async def _find_practitioner(server: FhirServer, role: str, fhir_base: str) -> tuple[str | None, str | None]:
    """Reference and display of the person who holds a role; both None where the EHR does not say."""
    body = (await server.read(role)).body
    held_by = body.get("practitioner") if body is not None and body.get("resourceType") == "PractitionerRole" else None
    if not isinstance(held_by, dict) or not isinstance(held_by.get("reference"), str):
        return None, None
    display = held_by.get("display")
    shown = display.strip() if isinstance(display, str) and display.strip() else None
    return find_own_record(held_by["reference"], fhir_base), shown


def _name_of(practitioner: object) -> str | None:
    named = isinstance(practitioner, dict) and practitioner.get("resourceType") == "Practitioner"
    names = practitioner.get("name") if isinstance(practitioner, dict) and named else None
    for name in names if isinstance(names, list) else []:
        if not isinstance(name, dict):
            continue
        if isinstance(name.get("text"), str) and name["text"].strip():
            return str(name["text"]).strip()
        words = [*_words(name.get("prefix")), *_words(name.get("given")), *_words([name.get("family")])]
        if words:
            return " ".join(words)
    return None


def _words(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str) and word.strip()] if isinstance(value, list) else []
