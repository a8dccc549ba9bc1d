"""A visit as far as its draft, without recogniser or model. In: a launch in a browser. Out: its page, to be signed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import httpx

from connector.records import Launch
from connector.store.sessions import LaunchRow, TokenRow
from connector.store.visits import Step, VisitRow
from connector.visit.filing import Outcome, try_filing
from connector.web.reading import settle
from tests.smart.scribe import PUBLIC, Scribe, launch
from tests.smart.strict_ehr import StrictEhr
from tests.unit.web import samples


@dataclass
class Desk:
    """One launch in one browser."""

    scribe: Scribe
    browser: httpx.AsyncClient
    launch_id: str
    csrf: str

    @property
    def path(self) -> str:
        return f"/v/{self.launch_id}"

    async def get(self, path: str = "", *, accept: str = "text/html") -> httpx.Response:
        return await self.browser.get(self.path + path, headers={"Accept": accept})

    async def post(self, path: str, *, accept: str = "application/json", **content: object) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf, "Origin": PUBLIC, "Accept": accept}
        return await self.browser.post(self.path + path, headers=headers, **content)  # type: ignore[arg-type]

    async def row(self) -> LaunchRow:
        found = await self.scribe.parts.sessions.find_launch(self.launch_id)
        assert found is not None
        return found

    async def tokens(self) -> TokenRow | None:
        return await self.scribe.parts.sessions.read_tokens(await self.row())

    async def visit(self) -> VisitRow:
        return await self.scribe.parts.visits.row((await self.row()).visit_id)

    async def edit(self, text: str) -> dict[str, object]:
        """Adds a sentence to the draft, as the page does; the note as it is shown now."""
        note = (await self.get("/note", accept="application/json")).json()
        kept = {part["key"]: part["sentences"] for part in note["sections"]}
        sections = {key: [{"id": one["id"], "text": one["text"]} for one in said] for key, said in kept.items()}
        sections["subjective"].append({"id": None, "text": text})
        answer = await self.post("/note", json={"revision": note["revision"], "sections": sections})
        assert answer.status_code == 200, answer.text
        shown: dict[str, object] = answer.json()
        return shown

    async def sign(self) -> None:
        """Signs the note as it stands once its chart is read: what is shown is what is signed."""
        await settle(self.scribe.app, patience=20)
        note = (await self.get("/note", accept="application/json")).json()
        body = {"attest": "yes", "revision": note["revision"], "shown_sha256": note["sha256"]}
        answer = await self.post("/sign", json=body)
        assert answer.status_code == 200, answer.text

    async def file(self) -> Outcome:
        """One try of the write-back, as the worker makes it."""
        return await try_filing(self.scribe.parts, (await self.row()).visit_id, 1)


async def sit_down(scribe: Scribe, browser: httpx.AsyncClient, ehr: StrictEhr) -> Desk:
    """A launch with its page read."""
    answer = await launch(browser, ehr)
    assert answer.status_code == 303, answer.text
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200, page.text
    csrf = re.search(r'name="csrf" content="([^"]+)"', page.text)
    assert csrf is not None
    return Desk(scribe, browser, answer.headers["location"].removeprefix("/v/"), csrf[1])


async def draft(scribe: Scribe, browser: httpx.AsyncClient, ehr: StrictEhr) -> Desk:
    """A launch whose visit has a draft to be read and signed."""
    desk = await sit_down(scribe, browser, ehr)
    row = await desk.visit()
    facts = await scribe.parts.visits.need(row.visit_id, Launch)
    records = (replace(samples.consent(), asked_by=facts.practitioner or ""), samples.transcript(), samples.draft())
    found = replace(samples.shown().findings, items=())
    at = scribe.parts.clock()
    step = Step(row.visit_id, (row.state,), "DRAFTED", "visit.drafted", "system", at, records=(*records, found))
    await scribe.parts.visits.commit(step)
    return desk
