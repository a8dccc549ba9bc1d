"""In: a transaction or batch Bundle. Out: its response Bundle.
Never forwards a transaction of which one entry is not allowed; in a batch only that entry is refused."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from .calls import GatewayCall
from .gateway import FhirGateway, GatewayReply
from .interactions import Interaction, parse_interaction
from .refusals import Refusal

MAX_ENTRIES = 200
_AT_ONCE = 4
_ENTRY_HEADERS = {
    "ifNoneExist": "If-None-Exist",
    "ifMatch": "If-Match",
    "ifNoneMatch": "If-None-Match",
    "ifModifiedSince": "If-Modified-Since",
}


class BundleDesk:
    """System-level transactions and batches (FHIR R4 http.html, transaction)."""

    def __init__(self, gateway: FhirGateway) -> None:
        self._gateway = gateway

    async def handle(self, call: GatewayCall, bundle: Any) -> GatewayReply:
        """The response to a Bundle posted to the base. Raises Refusal (400, 403, 422)."""
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
            raise Refusal(400, "invalid", "the base takes a Bundle.")
        entries = bundle.get("entry") or []
        well_formed = isinstance(entries, list) and all(_is_entry(entry) for entry in entries)
        if not well_formed or len(entries) > MAX_ENTRIES:
            raise Refusal(
                400, "invalid", f"each of at most {MAX_ENTRIES} entries needs request.method and request.url."
            )
        if bundle.get("type") == "transaction":
            return await self._transaction(call, bundle, entries)
        if bundle.get("type") == "batch":
            return await self._batch(call, entries)
        raise Refusal(400, "invalid", "the Bundle must be a transaction or a batch.")

    async def _transaction(
        self, call: GatewayCall, bundle: dict[str, Any], entries: list[dict[str, Any]]
    ) -> GatewayReply:
        gateway = self._gateway
        stored = [gateway.addresses.store(entry) for entry in entries]
        interactions = [_parse_write(entry) for entry in stored]
        names = frozenset(entry["fullUrl"] for entry in entries if str(entry.get("fullUrl")).startswith("urn:"))
        names |= {interaction.path for interaction in interactions if interaction.kind == "update"}
        for entry, interaction in zip(stored, interactions, strict=True):
            if interaction.kind == "delete":
                call.require(interaction.resource_type, "d")
                await gateway.admissions.admit_replacement(call.compartment, interaction)
            else:
                await gateway.admissions.admit_write(call, interaction, entry.get("resource"), in_bundle=names)
            if call.deaf:
                entry["request"].pop("ifNoneExist", None)
        headers = {name: value for name, value in call.headers.items() if name.lower() == "prefer"}
        reply = await gateway.upstream.send("POST", "", body={**bundle, "entry": stored}, headers=headers)
        if reply.status != 200:
            status = 502 if reply.status < 400 or reply.status == 401 else reply.status
            return GatewayReply(status, gateway.releases.release_error(reply.status, reply.resource))
        return GatewayReply(200, await gateway.releases.release_transaction(call, reply.resource))

    async def _batch(self, call: GatewayCall, entries: list[dict[str, Any]]) -> GatewayReply:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def answer(entry: dict[str, Any]) -> dict[str, Any]:
            async with gate:
                return await self._batch_entry(call, entry)

        answers = await asyncio.gather(*(answer(entry) for entry in entries))
        return GatewayReply(200, {"resourceType": "Bundle", "type": "batch-response", "entry": list(answers)})

    async def _batch_entry(self, call: GatewayCall, entry: dict[str, Any]) -> dict[str, Any]:
        request = entry["request"]
        path, _, query = self._gateway.addresses.relative(request["url"]).partition("?")
        headers = {
            name: request[field] for field, name in _ENTRY_HEADERS.items() if isinstance(request.get(field), str)
        }
        own = GatewayCall(
            approval=call.approval,
            scope_text=call.scope_text,
            scopes=call.scopes,
            compartment=call.compartment,
            headers=headers,
            deaf=call.deaf,
            altered=call.altered,
        )
        try:
            reply = await self._gateway.handle(
                own,
                request["method"],
                path,
                query=parse_qsl(query, keep_blank_values=True),
                body=entry.get("resource"),
            )
        except Refusal as refusal:
            return {"response": {"status": str(refusal.status), "outcome": refusal.outcome()}}
        response = {"status": str(reply.status)}
        response |= {n: reply.headers[h] for n, h in (("location", "location"), ("etag", "etag")) if h in reply.headers}
        if reply.status >= 400:
            return {"response": {**response, "outcome": reply.resource}}
        return {"response": response} | ({"resource": reply.resource} if reply.resource is not None else {})


def _is_entry(entry: Any) -> bool:
    request = entry.get("request") if isinstance(entry, dict) else None
    return isinstance(request, dict) and isinstance(request.get("method"), str) and isinstance(request.get("url"), str)


def _parse_write(entry: dict[str, Any]) -> Interaction:
    url = entry["request"]["url"]
    interaction = parse_interaction(entry["request"]["method"], url.partition("?")[0])
    if "?" in url or interaction.kind not in ("create", "update", "delete"):
        raise Refusal(400, "not-supported", "a transaction takes creates, updates by id and deletes by id.")
    return interaction
