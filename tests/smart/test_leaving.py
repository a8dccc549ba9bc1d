"""Leaving: nothing opens any more, the access is given back, and a signed note on its way arrives all the same.

Cases A23 and D7 in part; D7 in Chromium stands in tests/browser.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from connector.app import Composition
from connector.errors import RelaunchNeeded
from connector.store import schema
from connector.visit.access import open_ehr
from connector.visit.filing import Outcome
from connector.web.reading import settle
from connector.web.session import session_cookie
from tests.smart.clock import Clock
from tests.smart.drafted import Desk, draft, sit_down
from tests.smart.scribe import MakeEhr, OpenScribe, Scribe
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_client_authentication import open_with_keys


def revocations(ehr: StrictEhr) -> list[dict[str, str]]:
    return [one.form for one in ehr.heard if one.path == "/auth/revoke"]


async def events(scribe: Scribe, visit_id: str) -> list[str]:
    table = schema.audit_events
    async with scribe.parts.visits.engine.connect() as connection:
        query = select(table.c.event).where(table.c.visit_id == visit_id).order_by(table.c.seq)
        return list((await connection.execute(query)).scalars())


async def leave_from_another_window(desk: Desk) -> None:
    """Leaves, and holds that a window opened by a ticket is over as well."""
    address = (await desk.post("/window")).json()["address"]
    async with desk.scribe.browser() as window:
        assert (await window.get(address)).status_code == 303
        assert (await window.get(desk.path)).status_code == 200
        answer = await desk.post("/leave", accept="text/html")
        assert answer.status_code == 200, answer.text
        gone = await window.get(desk.path)
        assert (gone.status_code, "This session has ended" in gone.text) == (404, True)


async def test_leaving_ends_the_session_in_all_its_windows_and_revokes(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        await settle(scribe.app)
        (refresh,) = ehr.refresh_tokens
        await leave_from_another_window(desk)
        assert revocations(ehr) == [{"token": refresh, "token_type_hint": "refresh_token", "client_id": "scribe"}]
        assert await desk.tokens() is None
        with pytest.raises(RelaunchNeeded):
            await open_ehr(scribe.parts, await desk.row()).renew()
        assert (await events(scribe, (await desk.row()).visit_id))[-1] == "visit.left"
    assert (ehr.flaws, ehr.refresh_tokens) == ([], set())


async def test_d07_leaving_takes_this_launchs_cookie_and_clears_the_cache(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Two patients' pages side by side: leaving one leaves the other."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        first, second = await sit_down(scribe, browser, ehr), await sit_down(scribe, browser, ehr)
        secret = browser.cookies[session_cookie(first.launch_id)]
        answer = await first.post("/leave", accept="text/html")
        assert "You have left" in answer.text
        assert answer.headers["clear-site-data"] == '"cache"'
        assert answer.headers["cache-control"] == "no-store"
        (removed,) = answer.headers.get_list("set-cookie")
        assert removed.startswith(f"{session_cookie(first.launch_id)}=; Path=/; Max-Age=0; Secure; HttpOnly")
        assert (await first.get()).status_code == 404
        # A browser that kept the cookie all the same opens nothing with it.
        browser.cookies.set(session_cookie(first.launch_id), secret)
        assert (await first.get()).status_code == 404
        assert (await second.get()).status_code == 200
        assert len(ehr.refresh_tokens) == 1


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
async def test_leaving_authenticates_as_at_the_token_endpoint(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock, method: str
) -> None:
    if method == "private_key_jwt":
        ehr = make_ehr(auth_method=method)
        scribe = open_with_keys(ehr, open_scribe, composition, clock)
    else:
        ehr = make_ehr(auth_method=method, secret="a-client-secret")
        scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        assert (await desk.post("/leave")).json() == {"left": True, "note_waiting": False}
    assert (len(revocations(ehr)), ehr.flaws, ehr.refresh_tokens) == (1, [], set())


@pytest.mark.parametrize("behaviour", [{"away": {"/auth/revoke"}}, {"lost": {"/auth/revoke"}}], ids=["down", "silent"])
async def test_an_ehr_that_does_not_revoke_keeps_nobody_from_leaving(
    ehr: StrictEhr, open_scribe: OpenScribe, behaviour: dict[str, Any]
) -> None:
    """One try and no second; what is kept here is forgotten all the same."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        for name, value in behaviour.items():
            setattr(ehr.behaviour, name, value)
        assert (await desk.post("/leave", accept="text/html")).status_code == 200
        assert (await desk.get()).status_code == 404
        assert await desk.tokens() is None
    assert len(revocations(ehr)) == 1


async def test_without_a_revocation_endpoint_the_tokens_are_forgotten(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    ehr.behaviour.metadata = {"revocation_endpoint": None}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        assert (await desk.post("/leave")).status_code == 200
        assert await desk.tokens() is None
    assert revocations(ehr) == []


async def test_a_revocation_endpoint_elsewhere_gets_no_token_unless_pinned(
    make_ehr: MakeEhr, open_scribe: OpenScribe
) -> None:
    """Port 9 is another origin than the EHR's: it is used where the operator wrote it down, and nowhere else."""
    loose, pinned = make_ehr(), make_ehr()
    for one in (loose, pinned):
        one.behaviour.metadata = {"revocation_endpoint": "http://127.0.0.1:9/revoke"}
    scribe = open_scribe(loose)
    assert (await scribe.parts.directory.endpoints_of(loose.name)).revocation_endpoint is None
    told = open_scribe(pinned, revocation_endpoint="http://127.0.0.1:9/revoke")
    endpoints = await told.parts.directory.endpoints_of(pinned.name)
    assert endpoints.revocation_endpoint == "http://127.0.0.1:9/revoke"


async def test_a_signed_note_keeps_the_access_until_it_is_filed(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """The page says so; once the note stands in the EHR the access is given back."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        await desk.sign()
        name = session_cookie(desk.launch_id)
        secret = browser.cookies[name]
        page = await desk.post("/leave", accept="text/html")
        assert "Your signed note is not in the EHR yet" in page.text
        browser.cookies.set(name, secret)
        gone = await desk.get()
        assert (gone.status_code, "it waits here" in gone.text) == (404, True)
        assert (await desk.tokens() is not None, revocations(ehr)) == (True, [])
        ehr.behaviour.files = True
        assert await desk.file() is Outcome.FILED
        assert (await desk.tokens(), len(revocations(ehr))) == (None, 1)
        assert (await desk.visit()).state == "FILED"
        assert await desk.file() is Outcome.FILED
    assert len(revocations(ehr)) == 1


async def test_a_note_whose_access_runs_out_after_leaving_waits_for_a_relaunch(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        await desk.sign()
        await desk.post("/leave")
        ehr.access_tokens.clear()
        ehr.refresh_tokens.clear()
        assert await desk.file() is Outcome.RELAUNCH
        visit = await desk.visit()
        assert (visit.state, visit.attention) == ("SIGNED", "relaunch-needed")
        assert await desk.tokens() is None


async def test_an_unsigned_visit_waits_for_coming_back(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        await desk.edit("Kept over leaving.")
        await desk.post("/leave")
        again = await sit_down(scribe, browser, ehr)
        assert (await again.row()).visit_id == (await desk.row()).visit_id
        assert "Kept over leaving." in (await again.get("/note", accept="application/json")).json()["text"]


async def test_a_recording_under_way_goes_on_by_its_upload_token(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        await desk.post("/consent", data={"answer": "given"})
        begun = (await desk.post("/recordings")).json()
        await desk.post("/leave")
        sha256 = base64.b64encode(hashlib.sha256(b"sound").digest()).decode()
        headers = {"Authorization": f"Upload {begun['upload_token']}", "Content-Digest": f"sha-256=:{sha256}:"}
        path = f"/recordings/{begun['recording_id']}/chunks/0"
        assert (await browser.put(path, content=b"sound", headers=headers)).status_code == 204
        assert (await desk.get("/recordings")).status_code == 404


async def test_a_hidden_page_can_be_left_and_a_forged_request_leaves_nothing(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Any
) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        forged = await browser.post(f"{desk.path}/leave", headers={"Origin": "https://evil.example"})
        assert (forged.status_code, (await desk.get()).status_code) == (403, 200)
        clock.forward(minutes=16)
        hidden = await desk.get()
        assert f'action="{desk.path}/leave"' in hidden.text and "Hidden after a pause" in hidden.text
        assert (await desk.post("/leave")).status_code == 200
        assert (await desk.get()).status_code == 404


async def test_tokens_that_arrive_while_somebody_leaves_are_given_back(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """A refresh is under way: its new refresh token is revoked as soon as it lands."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        ehr.behaviour.seconds = 0.4
        flight = asyncio.create_task(open_ehr(scribe.parts, await desk.row()).renew())
        while not any(one.form.get("grant_type") == "refresh_token" for one in ehr.heard):
            await asyncio.sleep(0.02)
        assert (await desk.post("/leave")).status_code == 200
        await asyncio.gather(flight, return_exceptions=True)
    assert ehr.refresh_tokens == set()


async def test_every_page_of_a_visit_has_the_button(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        pages: list[httpx.Response] = [await desk.get(), await desk.get("/visits")]
        await desk.sign()
        pages.append(await desk.get())
    for page in pages:
        assert page.status_code == 200
        assert f'action="{desk.path}/leave"' in page.text
