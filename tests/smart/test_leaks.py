"""No code, token or secret of a launch in a log line, an address, a Referer or the history. Case A20."""

from __future__ import annotations

import asyncio
import base64
import logging
import re

import httpx
import pytest
import structlog
import uvicorn

from connector.app import Composition
from connector.web.session import session_cookie
from tests.smart.clock import Clock
from tests.smart.conftest import _Server
from tests.smart.drafted import Desk
from tests.smart.loud import everything_logged
from tests.smart.scribe import PUBLIC, MakeEhr, OpenScribe, Scribe, come_back, depart
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_client_authentication import open_with_keys

SECRET = "the-clients-own-secret"


class Wire(httpx.AsyncHTTPTransport):
    """The browser's way: what goes to the public address comes to a server on loopback. Keeps every answer."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.answers: list[httpx.Response] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        sent = httpx.Request(request.method, target, headers=request.headers, stream=request.stream)
        answer = await super().handle_async_request(sent)
        self.answers.append(answer)
        return answer


def watch_tokens(ehr: StrictEhr) -> list[str]:
    """Every token the EHR gives from now on."""
    given: list[str] = []
    issue = ehr._issue

    def watched(scope: str) -> dict[str, object]:
        issued = issue(scope)
        given.extend((str(issued["access_token"]), str(issued["refresh_token"])))
        return issued

    ehr._issue = watched  # type: ignore[method-assign]
    return given


async def visit(scribe: Scribe, browser: httpx.AsyncClient, ehr: StrictEhr, clock: Clock) -> list[str]:
    """Launch, first page, another window, a refresh after a pause, leaving; returns every secret of the way."""
    asked = await depart(browser, ehr)
    query = ehr.approve(asked)
    arrived = await come_back(browser, ehr, query)
    assert arrived.status_code == 303
    assert re.fullmatch(r"/v/[0-9a-f]+", arrived.headers["location"])
    page = await browser.get(arrived.headers["location"])
    csrf = re.search(r'name="csrf" content="([^"]+)"', page.text)
    assert csrf is not None
    desk = Desk(scribe, browser, arrived.headers["location"].removeprefix("/v/"), csrf[1])
    session = browser.cookies[session_cookie(desk.launch_id)]
    address = (await desk.post("/window")).json()["address"]
    assert (await browser.get(address)).status_code == 303
    clock.forward(minutes=16)
    assert (await desk.post("/unlock")).status_code == 200
    assert (await desk.post("/leave", accept="text/html")).status_code == 200
    assert (await desk.get()).status_code == 404
    ticket = address.partition("ticket=")[2]
    context = [asked["launch"], asked["state"], asked["nonce"], query["code"]]
    return [*context, session, csrf[1], ticket]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
async def test_a20_a_whole_launch_with_every_logger_turned_up_tells_no_secret(
    make_ehr: MakeEhr,
    open_scribe: OpenScribe,
    composition: Composition,
    clock: Clock,
    method: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The control: the same records, written with their texts, hold secrets; and a planted one is found."""
    ehr = make_ehr(auth_method=method, **({} if method == "private_key_jwt" else {"secret": SECRET}))
    scribe = open_with_keys(ehr, open_scribe, composition, clock) if "key" in method else open_scribe(ehr)
    tokens = watch_tokens(ehr)
    with everything_logged() as raw:
        server = _Server(uvicorn.Config(scribe.app, host="127.0.0.1", port=0, log_config=None, log_level="debug"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        wire = Wire(server.servers[0].sockets[0].getsockname()[1])
        async with httpx.AsyncClient(transport=wire, base_url=PUBLIC, headers={"Accept": "text/html"}) as browser:
            secrets = await visit(scribe, browser, ehr, clock)
        server.should_exit = True
        await serving
        secrets += [*tokens, SECRET, base64.b64encode(f"scribe:{SECRET}".encode()).decode()]
        sent = ("code_verifier", "client_assertion", "refresh_token")
        secrets += [one.form[name] for one in ehr.heard for name in sent if name in one.form]
        told = capsys.readouterr().err
        assert len([line for line in told.splitlines() if '"library"' in line]) > 50
        assert [one for one in secrets if one in told] == []
        assert [one for one in secrets if one in raw.getvalue()] != []
        logging.getLogger("httpx").debug("planted %s", tokens[0])
        structlog.get_logger("connector.web").info("request.refused", slug=tokens[0], token=tokens[1])
        planted = capsys.readouterr().err
        assert [one for one in secrets if one in planted] == [tokens[0]]
    assert {answer.headers["referrer-policy"] for answer in wire.answers} == {"no-referrer"}
    assert {answer.headers["cache-control"] for answer in wire.answers} == {"no-store"}
    assert ehr.flaws == []


async def test_a20_no_page_links_out_or_carries_a_secret_in_an_address(
    make_ehr: MakeEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """A browser sends a Referer to whom a page names; ours name nobody but us."""
    ehr = make_ehr(auth_method="client_secret_post", secret=SECRET)
    scribe = open_scribe(ehr)
    pages: list[str] = []

    async def keep(answer: httpx.Response) -> None:
        if "text/html" in answer.headers.get("content-type", ""):
            pages.append((await answer.aread()).decode())

    async with scribe.browser() as browser:
        browser.event_hooks = {"response": [keep]}
        secrets = await visit(scribe, browser, ehr, clock)
    assert len(pages) >= 3
    addresses = [found for page in pages for found in re.findall(r'(?:href|src|action|formaction)="([^"]*)"', page)]
    assert addresses
    assert [one for one in addresses if not re.match(r"/(?!/)|#|\?", one)] == []
    assert [one for one in addresses if any(secret in one for secret in secrets)] == []
