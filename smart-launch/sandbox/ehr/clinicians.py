"""In: the FHIR server behind the sandbox EHR. Out: the clinicians who can be signed in, two of its own among them.
Never invents a clinician the FHIR server does not hold: every fhirUser can be read."""

import asyncio
from dataclasses import dataclass
from typing import Any

from .people import format_name
from .refusals import Refusal
from .upstream import FhirUpstream, UpstreamReply

SYSTEM = "urn:sandbox-ehr:clinician"
TAG = {"system": "urn:sandbox-ehr", "code": "sandbox", "display": "Made by the sandbox EHR"}
_OWN = (("sandbox-ehr-okafor", "Okafor", "Maya", "female"), ("sandbox-ehr-lindqvist", "Lindqvist", "Jonas", "male"))


@dataclass(frozen=True)
class Clinician:
    """A Practitioner: `reference` is `Practitioner/ID`, `name` is for display."""

    reference: str
    name: str
    is_sandbox: bool


class ClinicianRegister:
    """The Practitioners of the FHIR server; the sandbox's own two are put there when first needed."""

    def __init__(self, upstream: FhirUpstream) -> None:
        self._upstream = upstream
        self._own: list[Clinician] = []
        self._lock = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """True once the sandbox's own clinicians are in the FHIR server."""
        return bool(self._own)

    async def ensure_own(self) -> list[Clinician]:
        """The two sandbox clinicians, created when missing. Raises Refusal 502 when they cannot be."""
        async with self._lock:
            if not self._own:
                self._own = [await self._ensure(practitioner) for practitioner in _build_own()]
            return self._own

    async def list_clinicians(self) -> list[Clinician]:
        """The sandbox's own first, then up to 20 of the FHIR server's by name."""
        own = await self.ensure_own()
        stored = await self._upstream.search("Practitioner", query=[("_count", "20")])
        others = [_make_clinician(resource) for resource in stored if resource.get("resourceType") == "Practitioner"]
        known = {clinician.reference for clinician in own}
        return own + sorted((c for c in others if c.reference not in known), key=lambda c: c.name)

    async def find_clinician(self, reference: str) -> Clinician | None:
        """The clinician `Practitioner/ID`, or None when the FHIR server has no such Practitioner."""
        own = {clinician.reference: clinician for clinician in await self.ensure_own()}
        if reference in own:
            return own[reference]
        resource = await self._upstream.read(reference)
        return _make_clinician(resource) if resource and resource.get("resourceType") == "Practitioner" else None

    async def _ensure(self, resource: dict[str, Any]) -> Clinician:
        reply = await self._upstream.send("PUT", f"Practitioner/{resource['id']}", body=resource)
        if reply.status not in (200, 201):
            reply = await self._create(resource)
        if reply.status not in (200, 201):
            raise Refusal(502, "transient", f"the FHIR server takes no Practitioner (status {reply.status}).")
        stored = reply.resource if isinstance(reply.resource, dict) else {}
        tail = reply.headers.get("location", "").split("Practitioner/")[-1].split("/")[0]
        own_id = stored["id"] if stored.get("resourceType") == "Practitioner" else (tail or resource["id"])
        return Clinician(f"Practitioner/{own_id}", format_name(resource), True)

    async def _create(self, resource: dict[str, Any]) -> UpstreamReply:
        """For servers that assign ids themselves: a conditional create on our identifier."""
        body = {name: value for name, value in resource.items() if name != "id"}
        headers = {"If-None-Exist": f"identifier={SYSTEM}|{resource['id']}"}
        return await self._upstream.send("POST", "Practitioner", body=body, headers=headers)


def _build_own() -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Practitioner",
            "id": own_id,
            "meta": {"tag": [TAG]},
            "identifier": [{"system": SYSTEM, "value": own_id}],
            "active": True,
            "name": [{"family": family, "given": [given], "prefix": ["Dr."], "suffix": ["(sandbox)"]}],
            "gender": gender,
        }
        for own_id, family, given, gender in _OWN
    ]


def _make_clinician(resource: dict[str, Any]) -> Clinician:
    return Clinician(f"Practitioner/{resource.get('id', '')}", format_name(resource), False)
