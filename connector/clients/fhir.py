"""Talks to one EHR's FHIR server. In: paths below the registered base, Bundles. Out: frozen answers, statuses included.

The token goes to the registered base and nowhere else; a write is never sent twice unless the EHR refused it with 401.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode

import httpx

from connector.clients.ehr_answers import (
    AnswerNotJson,
    AnswerTooLarge,
    is_json,
    open_answer,
    parse_object,
    read_bytes,
    wrap_text,
)
from connector.clients.http import NOT_SENT, Timing, retry_after
from connector.errors import EhrOutcomeUnknown, EhrUnavailable

TokenSource = Callable[[bool], Awaitable[str]]
Params = Mapping[str, str] | Sequence[tuple[str, str]]

JSON_TYPE = "application/fhir+json"
_FORM_TYPE = "application/x-www-form-urlencoded"
_PATH = re.compile(r"[A-Za-z0-9$._\-]{1,128}(?:/[A-Za-z0-9$._\-]{1,128}){0,5}")
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


@dataclass(frozen=True, slots=True)
class FhirReadAnswer:
    """What came of a read: `status` as HTTP gives it, 0 where no answer came; `body` the JSON object, if there is one;
    of a Binary answered as plain text, the resource that text stands for.

    `failure` is None, `timeout`, `unreachable`, `not-json`, `too-large` or `foreign-link` (an address the token may
    not be sent to, and was not). An error status is no failure: `body` may then hold an OperationOutcome. `size` is
    that of the body in bytes after decompression, as far as it was read.
    """

    status: int
    body: Mapping[str, object] | None
    failure: str | None
    size: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FhirWriteAnswer:
    """What came of a write: any status the server gave, its JSON if any, its Location. `retry_after` in seconds.

    A 5xx may have been committed all the same: search before sending again.
    """

    status: int
    body: Mapping[str, object] | None
    location: str | None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class FhirLimits:
    """Sizes in bytes after decompression, times in seconds; `patience` is the longest wait for one Retry-After."""

    largest_body: int = 20 << 20
    read_deadline: float = 30.0
    write_deadline: float = 60.0
    retries: int = 2
    patience: float = 10.0
    backoff: float = 0.5


class FhirServer:
    """One launch's way to one FHIR base.

    `token_source(False)` gives the current access token, `token_source(True)` a renewed one; what it raises
    (RelaunchNeeded) passes through. Calls may run in parallel: they share one renewal.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        fhir_base: str,
        token_source: TokenSource,
        *,
        limits: FhirLimits | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._base = fhir_base.removesuffix("/")
        self._base_url = httpx.URL(self._base)
        self._base_path = self._base_url.path.rstrip("/")
        self._token_source = token_source
        self._limits = limits or FhirLimits()
        self._timing = timing or Timing()
        self._renewing = asyncio.Lock()

    async def read(self, path: str, params: Params = ()) -> FhirReadAnswer:
        """GET {base}/{path}, such as `Patient/12`. Never raises for what the server answers or fails to answer."""
        if not _is_plain_path(path):
            return FhirReadAnswer(0, None, "foreign-link")
        pairs = list(params.items()) if isinstance(params, Mapping) else list(params)
        return await self._read(httpx.URL(f"{self._base}/{path}", params=pairs))

    async def search(self, path: str, params: Params) -> FhirReadAnswer:
        """GET {base}/{type}?params: a searchset Bundle, one page of it (FHIR R4, section 3.1.1)."""
        return await self.read(path, params)

    async def search_by_form(self, path: str, params: Params) -> FhirReadAnswer:
        """POST {base}/{type}/_search: what is searched for stands in no address (FHIR R4, section 3.1.1.1)."""
        if not _is_plain_path(path):
            return FhirReadAnswer(0, None, "foreign-link")
        pairs = list(params.items()) if isinstance(params, Mapping) else list(params)
        return await self._read(httpx.URL(f"{self._base}/{path}/_search"), form=urlencode(pairs).encode())

    async def follow(self, url: str) -> FhirReadAnswer:
        """GET a `next` link as it came, if it has the registered base's origin and path; else nothing is called."""
        try:
            target = httpx.URL(self._base + "/").join(url)
        except (httpx.InvalidURL, ValueError, TypeError):
            target = None
        if target is None or not self._is_own(target):
            return FhirReadAnswer(0, None, "foreign-link")
        return await self._read(target)

    async def batch(self, bundle: Mapping[str, object]) -> FhirReadAnswer:
        """POST a batch of reads to the base (FHIR R4, section 3.1.0.11.3); tried again as any read is.

        Raises ValueError for a Bundle that would do anything else than read.
        """
        if not _only_reads(bundle):
            raise ValueError("only a batch of GET requests is sent again")
        content = json.dumps(bundle, ensure_ascii=False, allow_nan=False).encode()
        return await self._read(self._base_url, form=content, kind=JSON_TYPE)

    async def transact(self, bundle: Mapping[str, object]) -> FhirWriteAnswer:
        """POST a transaction Bundle to the base (FHIR R4, section 3.1.0.11), once; again only after a 401.

        Raises EhrUnavailable when nothing was sent, EhrOutcomeUnknown when it was sent and no whole answer came.
        """
        content = json.dumps(bundle, ensure_ascii=False, allow_nan=False).encode()
        token = await self._token_source(False)
        answer = await self._write(content, token)
        if answer.status == 401:
            answer = await self._write(content, await self._renew(token))
        return answer

    async def _read(self, url: httpx.URL, *, form: bytes | None = None, kind: str = _FORM_TYPE) -> FhirReadAnswer:
        token = await self._token_source(False)
        renewed = False
        tries = 0
        while True:
            answer, wait = await self._read_once(self._ask(url, token, form, kind), tries=tries)
            if answer.status == 401 and not renewed:
                token, renewed = await self._renew(token), True
            elif wait is not None and tries < self._limits.retries:
                tries += 1
                await self._timing.sleep(wait)
            else:
                return answer

    def _ask(self, url: httpx.URL, token: str, form: bytes | None, kind: str) -> httpx.Request:
        if form is None:
            return self._client.build_request("GET", url, headers=_headers(token))
        headers = {**_headers(token), "Content-Type": kind}
        return self._client.build_request("POST", url, content=form, headers=headers)

    async def _read_once(self, request: httpx.Request, *, tries: int) -> tuple[FhirReadAnswer, float | None]:
        """One request, and the seconds after which another makes sense; None where it makes none."""
        backoff = self._limits.backoff * 2.0**tries * (0.5 + 0.5 * self._timing.chance())
        try:
            async with asyncio.timeout(self._limits.read_deadline), open_answer(self._client, request) as response:
                answer = await self._read_answer(response)
        except (httpx.TimeoutException, TimeoutError):
            return FhirReadAnswer(0, None, "timeout"), None
        except _BROKEN:
            return FhirReadAnswer(0, None, "unreachable"), backoff
        except (httpx.HTTPError, httpx.InvalidURL):
            return FhirReadAnswer(0, None, "unreachable"), None
        if answer.status not in (429, 503):
            return answer, None
        asked = retry_after(response, self._timing.wall())
        wait = backoff if asked is None else asked
        return answer, wait if wait <= self._limits.patience else None

    async def _read_answer(self, response: httpx.Response) -> FhirReadAnswer:
        status = response.status_code
        body: Mapping[str, object] | None = None
        failure: str | None = None
        size = 0
        try:
            content = await read_bytes(response, limit=self._limits.largest_body)
            size = len(content)
            if is_json(response):
                body = parse_object(content)
            elif _is_binary(response.request) and 200 <= status < 300:
                body = wrap_text(response, content)
        except AnswerTooLarge:
            failure, size = "too-large", self._limits.largest_body
        except AnswerNotJson:
            body = None
        if not 200 <= status < 300:
            return FhirReadAnswer(status, body, None, size)
        return FhirReadAnswer(status, body, failure or ("not-json" if body is None else None), size)

    async def _write(self, content: bytes, token: str) -> FhirWriteAnswer:
        headers = {**_headers(token), "Content-Type": JSON_TYPE}
        request = self._client.build_request("POST", self._base_url, content=content, headers=headers)
        try:
            async with asyncio.timeout(self._limits.write_deadline), open_answer(self._client, request) as response:
                answer = await self._read_answer(response)
        except NOT_SENT as error:
            raise EhrUnavailable(f"The EHR could not be reached ({type(error).__name__}); nothing was sent.") from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise EhrOutcomeUnknown(
                f"The write was sent and the EHR's answer was lost ({type(error).__name__}). It may have happened."
            ) from None
        return FhirWriteAnswer(
            status=answer.status,
            body=answer.body,
            location=response.headers.get("location"),
            retry_after=retry_after(response, self._timing.wall()),
        )

    async def _renew(self, stale: str) -> str:
        """A token other than `stale`: the one a parallel call has just renewed, else a renewed one."""
        async with self._renewing:
            current = await self._token_source(False)
            return current if current != stale else await self._token_source(True)

    def _is_own(self, url: httpx.URL) -> bool:
        """Whether the token may go there: same scheme, host and port as the base, and a path at or below it."""
        own = (self._base_url.scheme, self._base_url.raw_host, self._base_url.port)
        if (url.scheme, url.raw_host, url.port) != own or url.userinfo or url.fragment:
            return False
        segments = [unquote(part) for part in url.raw_path.decode("ascii").partition("?")[0].split("/")]
        if any(part in (".", "..") or "/" in part or "\\" in part for part in segments):
            return False
        return url.path == self._base_path or url.path.startswith(self._base_path + "/")


def _only_reads(bundle: Mapping[str, object]) -> bool:
    entries = bundle.get("entry")
    requests = [entry.get("request") for entry in entries] if isinstance(entries, list) else [None]
    reads = (isinstance(request, Mapping) and request.get("method") == "GET" for request in requests)
    return bundle.get("type") == "batch" and all(reads)


def _is_binary(request: httpx.Request) -> bool:
    """Whether one Binary was asked for, whose bytes may come as they are."""
    return request.method == "GET" and request.url.path.split("/")[-2:-1] == ["Binary"]


def _is_plain_path(path: str) -> bool:
    return bool(_PATH.fullmatch(path)) and not any(set(part) == {"."} for part in path.split("/"))


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": JSON_TYPE}
