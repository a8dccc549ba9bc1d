"""Launches beside each other in one browser: each keeps its patient, and its address opens by its own cookie only.

Cases A15 and A16.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re

import httpx

from connector.records import Launch
from connector.web.session import session_cookie
from tests.smart.scribe import OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr

SOUND = b"sound of the first patient"
DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(SOUND).digest()).decode()}:"
NAMES = {"p1": "Julia Okafor", "p2": "Billie Novak"}


def fill(ehr: StrictEhr) -> None:
    for identity, name in NAMES.items():
        given, family = name.split()
        found = {"resourceType": "Patient", "id": identity, "name": [{"given": [given], "family": family}]}
        ehr.records[f"Patient/{identity}"] = found


async def open_visit(ehr: StrictEhr, browser: httpx.AsyncClient, patient: str) -> tuple[str, str]:
    """The base address of a launch for `patient`, and the token its forms bring."""
    ehr.behaviour.token = {"patient": patient}
    base = (await launch(browser, ehr)).headers["location"]
    page = (await browser.get(base)).text
    return base, re.findall(r'<meta name="csrf" content="([^"]+)">', page)[0]


async def patient_of(scribe: Scribe, base: str) -> tuple[str, str]:
    row = await scribe.parts.sessions.find_launch(base.removeprefix("/v/"))
    assert row is not None
    return row.visit_id, (await scribe.parts.visits.need(row.visit_id, Launch)).patient


async def test_a15_a_launch_for_another_patient_leaves_a_recording_where_it_is(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Case A15: A records, B is launched in the same browser; the rest of A's sound still goes to A, and none to B."""
    fill(ehr)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        first, csrf = await open_visit(ehr, browser, "p1")
        await browser.post(f"{first}/consent", data={"csrf": csrf, "answer": "given", "method": "verbal"})
        headers = {"X-CSRF-Token": csrf, "Accept": "application/json"}
        begun = (await browser.post(f"{first}/recordings", headers=headers)).json()
        second, other_csrf = await open_visit(ehr, browser, "p2")
        chunk = f"/recordings/{begun['recording_id']}/chunks/0"
        auth = {"Authorization": f"Upload {begun['upload_token']}", "Content-Digest": DIGEST}
        sent = await browser.put(chunk, content=SOUND, headers=auth)
        assert sent.status_code == 204, sent.text
        kept = (await browser.get(f"{first}/recordings", headers=headers)).json()["recordings"]
        assert [len(one["chunks"]) for one in kept] == [1]
        assert (await browser.get(f"{second}/recordings", headers=headers)).json()["recordings"] == []
        closing = f"{second}/recordings/{begun['recording_id']}/close"
        crossed = {"X-CSRF-Token": other_csrf, "Accept": "application/json"}
        assert (await browser.post(closing, json={"chunks": 1}, headers=crossed)).status_code == 404
        for base, name in ((first, NAMES["p1"]), (second, NAMES["p2"])):
            page = html.unescape((await browser.get(base)).text)
            assert [name in page for name in NAMES.values()] == [name == one for one in NAMES.values()]
        mine, yours = await patient_of(scribe, first), await patient_of(scribe, second)
    assert (mine[1], yours[1]) == ("Patient/p1", "Patient/p2")
    assert mine[0] != yours[0]


async def test_a16_two_tabs_share_a_cookie_jar_and_no_visit(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A16: the handle in the path has to match its own cookie; another launch's cookie of the same jar is none."""
    fill(ehr)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        first, csrf = await open_visit(ehr, browser, "p1")
        second, _ = await open_visit(ehr, browser, "p2")
        assert (await browser.get(first)).status_code == (await browser.get(second)).status_code == 200
        theirs = browser.cookies[session_cookie(second.removeprefix("/v/"))]
        unknown = await browser.get("/v/nobody")
        browser.cookies.delete(session_cookie(first.removeprefix("/v/")))
        for secret in ("", theirs):
            jar = {"Cookie": f"{session_cookie(first.removeprefix('/v/'))}={secret}"} if secret else {}
            for end in ("", "/status", "/note", "/visits", "/context", "/recordings"):
                answer = await browser.get(f"{first}{end}", headers={**jar, "Accept": "application/json"})
                assert answer.status_code == unknown.status_code == 404
            posted = await browser.post(f"{first}/consent", data={"csrf": csrf, "answer": "given"}, headers=jar)
            assert posted.status_code == 404
        assert (await browser.get(second)).status_code == 200
