"""In: FHIR requests already allowed. Out: what the FHIR server behind the sandbox EHR answers, as it answers it.
Never forwards a token or any header but the listed ones, and never follows a redirect."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from .refusals import FHIR_JSON, Refusal
from .wire_json import NotJson, parse_json, render_json

TIMEOUT_SECONDS = 60.0
_PASSED_ON = ("if-none-exist", "if-match", "if-none-match", "if-modified-since", "prefer")


@dataclass(frozen=True)
class UpstreamReply:
    """One answer: `resource` is the decoded JSON body or None when there was none (or it was not JSON)."""

    status: int
    headers: httpx.Headers
    resource: Any


def open_upstream_client(base: str) -> httpx.AsyncClient:
    """The HTTP client for the FHIR server; a proxy of the environment is used only for servers that are not local."""
    timeout = httpx.Timeout(TIMEOUT_SECONDS, connect=5.0)
    return httpx.AsyncClient(timeout=timeout, trust_env=not _is_loopback(base), follow_redirects=False)


class FhirUpstream:
    """The FHIR R4 server behind the gateway and the EHR pages."""

    def __init__(self, base: str, client: httpx.AsyncClient) -> None:
        self.base = base
        self._client = client

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> UpstreamReply:
        """One request. `path` is relative to the base or an absolute page link. Raises Refusal 502 or 504."""
        url = path if path.startswith(("http://", "https://")) else f"{self.base}/{path}".rstrip("/")
        passed = {name: value for name, value in (headers or {}).items() if name.lower() in _PASSED_ON}
        content: bytes | None = None
        if path.endswith("/_search") and method == "POST":
            content = str(httpx.QueryParams(query or [])).encode()
            query, passed["Content-Type"] = None, "application/x-www-form-urlencoded"
        elif body is not None:
            content, passed["Content-Type"] = render_json(body), f"{FHIR_JSON}; charset=utf-8"
        try:
            response = await self._client.request(
                method,
                url,
                params=query or None,
                content=content,
                headers={"Accept": FHIR_JSON, **passed},
            )
        except httpx.TimeoutException as error:
            raise Refusal(504, "timeout", "the FHIR server behind the EHR did not answer in time.") from error
        except httpx.HTTPError as error:
            raise Refusal(502, "transient", "the FHIR server behind the EHR cannot be reached.") from error
        return UpstreamReply(response.status_code, response.headers, _decode(response))

    async def read(self, path: str) -> dict[str, Any] | None:
        """The resource at `Type/id`, or None when the server has none. Raises Refusal 502 on anything else."""
        reply = await self.send("GET", path)
        if reply.status in (404, 410):
            return None
        if reply.status != 200 or not isinstance(reply.resource, dict):
            raise Refusal(502, "transient", f"the FHIR server behind the EHR answered {reply.status}.")
        return reply.resource

    async def search(self, resource_type: str, *, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """The resources of the first page of a search. Raises Refusal 502 when the search is refused."""
        reply = await self.send("GET", resource_type, query=query)
        if reply.status != 200 or not isinstance(reply.resource, dict):
            raise Refusal(502, "transient", f"the FHIR server behind the EHR answered {reply.status}.")
        return [entry["resource"] for entry in reply.resource.get("entry") or [] if "resource" in entry]


def _decode(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return parse_json(response.content)
    except NotJson:
        return None


def _is_loopback(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
