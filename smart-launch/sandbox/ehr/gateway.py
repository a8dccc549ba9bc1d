"""In: FHIR interactions with an authorized call. Out: status, headers and resource the app may see.
Never forwards a request before scope and patient have been checked."""

from dataclasses import dataclass, field
from typing import Any

from .addresses import AddressBook
from .admissions import AdmissionRules
from .calls import GatewayCall
from .interactions import Interaction, parse_interaction
from .page_links import PageLinks
from .refusals import Refusal
from .releases import ReleaseRules
from .searches import confine_search
from .upstream import FhirUpstream, UpstreamReply

Pairs = list[tuple[str, str]]
_SHOWN_HEADERS = ("etag", "last-modified", "retry-after")


@dataclass(frozen=True)
class GatewayReply:
    """One answer. `resource` None means no body."""

    status: int
    resource: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class FhirGateway:
    """The FHIR base the apps see, in front of the FHIR server they never see."""

    def __init__(self, fhir_base: str, upstream: FhirUpstream) -> None:
        self.upstream = upstream
        self.addresses = AddressBook(fhir_base, upstream.base)
        self.links = PageLinks(fhir_base, upstream.base)
        self.releases = ReleaseRules(self.addresses, self.links)
        self.admissions = AdmissionRules(upstream)

    async def handle(
        self, call: GatewayCall, method: str, path: str, *, query: Pairs, body: Any = None
    ) -> GatewayReply:
        """One interaction other than metadata and transaction. Raises Refusal."""
        interaction = parse_interaction(method, path)
        if interaction.kind == "page":
            return await self._page(call, query)
        if interaction.kind == "read":
            return await self._read(call, interaction)
        if interaction.kind == "search":
            return await self._search(call, method, interaction, query=query)
        if interaction.kind in ("create", "update"):
            return await self._write(call, method, interaction, body=body)
        if interaction.kind == "delete":
            return await self._delete(call, interaction)
        raise Refusal(405, "not-supported", "this interaction is not offered here.")

    async def _read(self, call: GatewayCall, interaction: Interaction) -> GatewayReply:
        call.require(interaction.resource_type, "r", interaction.resource_id)
        reply = await self.upstream.send("GET", interaction.path, headers=call.headers)
        if reply.status != 200:
            return self._pass_error(reply)
        resource = await self.releases.release_resource(call, reply.resource, "r")
        return GatewayReply(200, resource, self._shown_headers(reply))

    async def _search(self, call: GatewayCall, method: str, interaction: Interaction, *, query: Pairs) -> GatewayReply:
        confined = confine_search(call, interaction.resource_type, query=query, addresses=self.addresses)
        reply = await self.upstream.send(method, interaction.path, query=confined, headers=call.headers)
        if reply.status != 200:
            return self._pass_error(reply)
        bundle = await self.releases.release_searchset(
            call, reply.resource, asked=interaction.resource_type, query=confined
        )
        return GatewayReply(200, bundle)

    async def _page(self, call: GatewayCall, query: Pairs) -> GatewayReply:
        reply = await self.upstream.send("GET", self.links.resolve(query, call.approval.approval_id))
        if reply.status != 200:
            return self._pass_error(reply)
        return GatewayReply(200, await self.releases.release_searchset(call, reply.resource, asked="", query=query))

    async def _write(self, call: GatewayCall, method: str, interaction: Interaction, *, body: Any) -> GatewayReply:
        stored = self.addresses.store(body)
        await self.admissions.admit_write(call, interaction, stored)
        headers = {n: v for n, v in call.headers.items() if not (call.deaf and n.lower() == "if-none-exist")}
        reply = await self.upstream.send(method, interaction.path, body=stored, headers=headers)
        if reply.status not in (200, 201):
            return self._pass_error(reply)
        shown = None
        if reply.resource is not None:
            shown = await self.releases.release_resource(call, reply.resource, "curs")
        return GatewayReply(reply.status, shown, self._shown_headers(reply))

    async def _delete(self, call: GatewayCall, interaction: Interaction) -> GatewayReply:
        call.require(interaction.resource_type, "d")
        await self.admissions.admit_replacement(call.compartment, interaction)
        reply = await self.upstream.send("DELETE", interaction.path, headers=call.headers)
        if reply.status not in (200, 204):
            return self._pass_error(reply)
        return GatewayReply(reply.status, self.addresses.show(reply.resource))

    def _pass_error(self, reply: UpstreamReply) -> GatewayReply:
        headers = self._shown_headers(reply)
        if reply.status == 304:
            return GatewayReply(304, None, headers)
        status = 502 if reply.status < 400 or reply.status == 401 else reply.status
        return GatewayReply(status, self.releases.release_error(reply.status, reply.resource), headers)

    def _shown_headers(self, reply: UpstreamReply) -> dict[str, str]:
        shown = {name: reply.headers[name] for name in _SHOWN_HEADERS if name in reply.headers}
        for name in ("location", "content-location"):
            if name in reply.headers:
                shown[name] = self.addresses.show_location(reply.headers[name])
        return shown
