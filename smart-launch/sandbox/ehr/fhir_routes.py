"""In: HTTP requests under /fhir. Out: FHIR answers; the bearer token is checked here, everything else in the gateway.
Never answers anything but metadata and smart-configuration without a token."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from .calls import GatewayCall
from .compartment import PatientCompartment, UserCompartment
from .discovery import describe_gateway, describe_smart
from .discovery_tricks import serve_document
from .evidence import describe_bearer
from .fhir_tricks import bend_resource, redirect_away, refuse_good_token
from .gateway import GatewayReply
from .interactions import parse_interaction
from .mischief import ActiveMischief
from .oauth_wire import read_pairs
from .parts import EhrParts
from .refusals import FHIR_JSON, Refusal, refuse_token
from .scopes import parse_scopes
from .wire_faults import NOTE
from .wire_json import NotJson, parse_json, render_json

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def build_fhir_router(parts: EhrParts) -> APIRouter:
    """The routes under /fhir."""
    router = APIRouter()
    desk = FhirDesk(parts)
    router.add_api_route("/fhir/.well-known/smart-configuration", desk.smart_configuration, methods=["GET"])
    router.add_api_route("/fhir/metadata", desk.metadata, methods=["GET"])
    router.add_api_route("/fhir", desk.answer, methods=_METHODS)
    router.add_api_route("/fhir/{path:path}", desk.answer, methods=_METHODS)
    return router


class FhirDesk:
    """The HTTP side of the gateway."""

    def __init__(self, parts: EhrParts) -> None:
        self._parts = parts

    async def smart_configuration(self, request: Request) -> Response:
        """JSON whatever the Accept header says."""
        active = self._parts.mischief.find_open(request.scope[NOTE])
        document = describe_smart(self._parts.config, self._parts.switches)
        return serve_document(document, active, path=request.url.path)

    async def metadata(self) -> Response:
        """The CapabilityStatement, open to everyone (FHIR R4 http.html, capabilities)."""
        reply = await self._parts.upstream.send("GET", "metadata")
        if reply.status != 200 or not isinstance(reply.resource, dict):
            raise Refusal(502, "transient", f"the FHIR server behind the EHR answered {reply.status}.")
        shown = describe_gateway(self._parts.config, reply.resource, self._parts.gateway.addresses)
        return _send(GatewayReply(200, shown))

    async def answer(self, request: Request, path: str = "") -> Response:
        """Any other interaction."""
        call, active = self._authorize(request)
        if (moved := redirect_away(active, request.url.path)) is not None:
            return moved
        _check_formats(request)
        interaction = parse_interaction(request.method, path)
        query = list(request.query_params.multi_items())
        body = None
        if interaction.kind in ("create", "update", "transaction"):
            body = await _read_resource(request)
        elif request.method == "POST":
            query += await read_pairs(request)
        if interaction.kind == "transaction":
            reply = await self._parts.bundles.handle(call, body)
        else:
            reply = await self._parts.gateway.handle(call, request.method, path, query=query, body=body)
        return _send(replace(reply, resource=bend_resource(reply.resource, active)))

    def _authorize(self, request: Request) -> tuple[GatewayCall, ActiveMischief]:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        note, tokens = request.scope[NOTE], self._parts.oauth.tokens
        value = value.strip() if scheme.lower() == "bearer" else ""
        token = tokens.find_access(value)
        note.evidence = describe_bearer(value, tokens.find_issued(value), alive=token is not None)
        if token is None:
            raise refuse_token()
        note.client_id = token.approval.client_id
        if note.fault == "expired_token":
            raise refuse_token()
        active = self._parts.mischief.find(token.approval.launch_id, note)
        refuse_good_token(active)
        config = self._parts.config
        bases, patient = (config.fhir_base, config.fhir_upstream), token.approval.patient
        scopes, upstream = parse_scopes(token.scope), self._parts.upstream
        call = GatewayCall(
            approval=token.approval,
            scope_text=token.scope,
            scopes=scopes if patient else tuple(one for one in scopes if one.context != "patient"),
            compartment=PatientCompartment(patient, upstream, bases=bases)
            if patient
            else UserCompartment(upstream, bases=bases),
            headers=request.headers,
            deaf=note.fault == "deaf_if_none_exist",
            altered=note.fault == "altered_note",
        )
        return call, active


def _check_formats(request: Request) -> None:
    wanted = request.query_params.get("_format") or request.headers.get("Accept") or "*/*"
    if not any(kind in wanted.lower() for kind in ("json", "*/*", "application/*")):
        raise Refusal(406, "not-supported", "only JSON is offered.")


async def _read_resource(request: Request) -> object:
    if "json" not in request.headers.get("Content-Type", "").lower():
        raise Refusal(415, "not-supported", f"the body must be {FHIR_JSON}.")
    try:
        return parse_json(await request.body())
    except NotJson as error:
        raise Refusal(400, "structure", "the body is not JSON.") from error


def _send(reply: GatewayReply) -> Response:
    headers = {"Cache-Control": "no-store", **reply.headers}
    if reply.resource is None:
        return Response(status_code=reply.status, headers=headers)
    return Response(render_json(reply.resource), reply.status, headers, f"{FHIR_JSON}; charset=utf-8")
