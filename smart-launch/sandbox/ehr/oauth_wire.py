"""In: an HTTP request's method and form or query pairs. Out: Authlib's request object and a reply FastAPI can send.
Never decides anything about a grant; this is only the adapter Authlib has no FastAPI integration for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from .client_assertions import AssertionFinding
from .journal import RequestNote
from .mischief import ActiveMischief


class FormPayload(OAuth2Payload):
    """Parameters of a query or a form: `data` has the first value of each name, `datalist` all of them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._lists: dict[str, list[str]] = {}
        for name, value in pairs:
            self._lists.setdefault(name, []).append(value)

    @property
    def data(self) -> dict[str, str]:
        """Name to first value. A parameter sent empty counts as not sent (RFC 6749 section 3.1)."""
        return {name: values[0] for name, values in self._lists.items() if values[0]}

    @property
    def datalist(self) -> dict[str, list[str]]:
        """Name to all values, so that repeated parameters can be refused."""
        return self._lists


class SandboxOAuth2Request(OAuth2Request):
    """Authlib's request for one HTTP request. `headers` must look up names without regard to case.

    Beside it: the client assertion's finding, the mischief in force, and the patient it may swap in.
    """

    def __init__(self, method: str, uri: str, *, pairs: list[tuple[str, str]], headers: Mapping[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = FormPayload(pairs)
        self.assertion: AssertionFinding | None = None
        self.active = ActiveMischief((), RequestNote())
        self.other_patient = ""
        self.keeps_refresh = False

    @property
    def args(self) -> dict[str, str]:
        """The parameters; a GET carries them in its query, a POST in its form."""
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        """The same parameters under the name the token grants look for."""
        return self.payload.data


@dataclass
class OAuthReply:
    """What an Authlib endpoint answers, before it becomes an HTTP response. `location` set means redirect."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    location: str | None = None


def make_reply(status: int, body: Any, headers: list[tuple[str, str]]) -> OAuthReply:
    """Authlib's (status, body, headers) as a reply; Location is kept apart so that extensions may add to it."""
    named = dict(headers)
    return OAuthReply(status, body, named, named.pop("Location", None))


def send_reply(reply: OAuthReply, method: str) -> Response:
    """The HTTP response: JSON never cached, a redirect as 303 after a POST so that the form is not sent again."""
    if reply.location is not None:
        moved = RedirectResponse(reply.location, status_code=303 if method == "POST" else 302)
        moved.headers["Cache-Control"] = "no-store"
        moved.headers["Referrer-Policy"] = "no-referrer"
        return moved
    return send_text(reply, json.dumps(reply.body), "application/json")


def send_text(reply: OAuthReply, text: str, media_type: str) -> Response:
    """The HTTP response with a body already written."""
    headers = {name: value for name, value in reply.headers.items() if name.lower() != "content-type"}
    return Response(text, reply.status, {**headers, "Cache-Control": "no-store"}, media_type)


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """The query pairs of a GET, the form pairs of a POST (application/x-www-form-urlencoded only)."""
    if request.method != "POST":
        return list(request.query_params.multi_items())
    body = await request.body()
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
