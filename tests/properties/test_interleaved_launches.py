"""Two EHRs, four patients, four clinicians, three browsers: whatever order their launches take, nothing crosses.

The model knows who may see what; the EHRs know which of their tokens was given for which launch.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from connector.app import compose
from connector.settings import Settings
from connector.store import audit, schema
from connector.store.database import DatabaseAddress
from connector.web.reading import settle
from connector.web.session import session_cookie
from tests.smart.busy_ehr import BusyEhr
from tests.smart.clock import Clock
from tests.smart.conftest import _Server
from tests.smart.scribe import PUBLIC, SCOPES, Scribe, asked_of, make_parts, register
from tests.smart.strict_ehr import Client, make_app

Result = TypeVar("Result")
BROWSERS = 3
_NAMES = (
    ({"n1": "Ahlgren", "n2": "Brandvold"}, {"c1": "Castellano", "c2": "Dimitriou"}),
    ({"n1": "Eskelinen", "n2": "Fairweather"}, {"c1": "Gunnarson", "c2": "Haverkamp"}),
)
_CSRF = re.compile(r'name="csrf"[^>]*?(?:value|content)="([^"]+)"')
_numbers = itertools.count(1)


@dataclass
class World:
    """What lives through all examples: the EHRs, the application and the loop it runs in."""

    run: asyncio.Runner
    ehrs: tuple[BusyEhr, BusyEhr]
    scribe: Scribe
    clock: Clock


@dataclass
class Flight:
    """One launch as the model sees it. `launch_id` is set once it has arrived; state and code are good for one use."""

    ehr: BusyEhr
    browser: int
    patient: str
    clinician: str
    encounter: str
    asked: dict[str, str]
    left_at: float
    query: dict[str, str] = field(default_factory=dict)
    launch_id: str = ""
    session: str = ""
    csrf: str = ""
    seen_at: float = 0.0
    state_spent: bool = False
    code_spent: bool = False

    @property
    def visit(self) -> tuple[str, str, str, str]:
        return (self.ehr.name, self.clinician, self.patient, self.encounter)

    def knows(self) -> set[str]:
        return {self.ehr.patients[self.patient], self.ehr.clinicians[self.clinician]}


@asynccontextmanager
async def _serving(host: dict[str, BusyEhr]) -> AsyncIterator[str]:
    config = uvicorn.Config(make_app(host.get), host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture(scope="module")
def world(database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("interleaved")
    (folder / "registrations").mkdir()
    configured = Settings(
        database_url=database.libpq,
        state_folder=folder,
        registrations_folder=folder / "registrations",
        public_base_url=PUBLIC,
    )
    clock = Clock()

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[Scribe, tuple[BusyEhr, BusyEhr]]]:
        host: dict[str, BusyEhr] = {}
        async with _serving(host) as origin, compose(configured) as composition:
            made = [BusyEhr(origin, clock, Client("scribe", ""), people=names) for names in _NAMES]
            for ehr in made:
                ehr.client.redirect_uri = f"{PUBLIC}/launch/callback/{ehr.name}"
                host[ehr.name] = ehr
                register(folder, ehr, scopes=[*SCOPES, "patient/Encounter.rs", "patient/Condition.rs"])
            parts = make_parts(composition, folder, clock)
            free = replace(parts.policy, launches_per_minute=10**6, failed_callbacks_per_minute=10**6)
            scribe = Scribe(replace(parts, policy=free))
            yield scribe, (made[0], made[1])
            await settle(scribe.app)
            await parts.directory.aclose()
            await parts.key_sets.aclose()

    with asyncio.Runner() as runner:
        opening = opened()
        scribe, ehrs = runner.run(opening.__aenter__())
        yield World(runner, ehrs, scribe, clock)
        runner.run(opening.__aexit__(None, None, None))


class Launches(RuleBasedStateMachine):
    """Launches under way and arrived, in any order."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.browsers = [world.scribe.browser() for _ in range(BROWSERS)]
        self.flights: list[Flight] = []
        self.typed: dict[tuple[str, str, str, str], str] = {}
        self.example = next(_numbers)

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.world.run.run(work)

    def _pick(self, data: st.DataObject, *, arrived: bool) -> Flight:
        return data.draw(st.sampled_from([one for one in self.flights if bool(one.launch_id) is arrived]))

    def _arrived(self) -> bool:
        return any(one.launch_id for one in self.flights)

    def _away(self) -> bool:
        return any(one.query and not one.launch_id for one in self.flights)

    @rule(
        browser=st.integers(0, BROWSERS - 1),
        where=st.integers(0, 1),
        patient=st.sampled_from(["n1", "n2"]),
        clinician=st.sampled_from(["c1", "c2"]),
        encounter=st.integers(1, 2),
    )
    def depart(self, browser: int, where: int, patient: str, clinician: str, encounter: int) -> None:
        """A launch leaves for its EHR, which approves it; the browser stays there for now."""
        ehr = self.world.ehrs[where]
        self.world.clock.forward(seconds=1)
        name = f"x{self.example}-{patient}-{encounter}"
        query = ehr.open_for(patient=patient, clinician=clinician, encounter=name)
        asked = asked_of(self._do(self.browsers[browser].get("/launch", params=query)), ehr)
        self.flights.append(Flight(ehr, browser, patient, clinician, name, asked, self.world.clock.passed))

    @rule(
        browser=st.integers(0, BROWSERS - 1),
        where=st.integers(0, 1),
        patient=st.sampled_from(["n1", "n2"]),
        clinician=st.sampled_from(["c1", "c2"]),
    )
    def launch(self, browser: int, where: int, patient: str, clinician: str) -> None:
        """A whole launch without a stop, as most are, with its first page."""
        self.depart(browser, where, patient, clinician, 3)
        flight = self.flights[-1]
        flight.query = flight.ehr.approve(flight.asked)
        self._arrive(flight)
        self._shown(flight, self._do(self.browsers[browser].get(self._path(flight))), browser=browser)

    @precondition(lambda self: any(not one.query for one in self.flights))
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        flight = data.draw(st.sampled_from([one for one in self.flights if not one.query]))
        flight.query = flight.ehr.approve(flight.asked)

    @precondition(_away)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        """In the right browser: once, and within ten minutes."""
        self._arrive(data.draw(st.sampled_from([one for one in self.flights if one.query and not one.launch_id])))

    def _arrive(self, flight: Flight) -> None:
        good = not flight.code_spent and self._reaches_the_ehr(flight)
        answer = self._callback(flight, flight.query)
        flight.code_spent = flight.code_spent or self._reaches_the_ehr(flight)
        flight.state_spent = True
        if not good:
            self._refused(answer)
            return
        assert answer.status_code == 303, answer.text
        flight.launch_id = answer.headers["location"].removeprefix("/v/")
        flight.seen_at = self.world.clock.passed
        flight.session = self._cookies(flight.browser)[session_cookie(flight.launch_id)]

    @precondition(_arrived)
    @rule(data=st.data())
    def come_back_twice(self, data: st.DataObject) -> None:
        self._refused(self._callback(self._pick(data, arrived=True), None))

    @precondition(_away)
    @rule(data=st.data(), other=st.integers(1, BROWSERS - 1))
    def come_back_in_another_browser(self, data: st.DataObject, other: int) -> None:
        """Opens nothing there, and spoils nothing here."""
        flight = data.draw(st.sampled_from([one for one in self.flights if one.query and not one.launch_id]))
        self._refused(self._callback(flight, flight.query, browser=(flight.browser + other) % BROWSERS))

    @precondition(lambda self: sum(bool(one.query) for one in self.flights) > 1)
    @rule(data=st.data())
    def come_back_with_anothers_code(self, data: st.DataObject) -> None:
        """One launch's state and another's code: the first is spent; at the EHR that gave it, so is the code."""
        flight, other = data.draw(st.permutations([one for one in self.flights if one.query]))[:2]
        self._refused(self._callback(flight, {**flight.query, "code": other.query["code"]}))
        other.code_spent = other.code_spent or (self._reaches_the_ehr(flight) and other.ehr is flight.ehr)
        flight.state_spent = True

    @precondition(_arrived)
    @rule(data=st.data(), away=st.sampled_from([0, 0, 1, 2]), part=st.sampled_from(["", "/status", "/context"]))
    def look(self, data: st.DataObject, away: int, part: str) -> None:
        """A page, its status or its chart in any browser: shown where the launch came back, and nowhere else."""
        flight = self._pick(data, arrived=True)
        browser = (flight.browser + away) % BROWSERS
        self._shown(flight, self._do(self.browsers[browser].get(self._path(flight) + part)), browser=browser)

    @precondition(_arrived)
    @rule(data=st.data())
    def look_with_anothers_cookie(self, data: st.DataObject) -> None:
        """The cookie of one launch under the name of another opens nothing."""
        flight, other = self._pick(data, arrived=True), self._pick(data, arrived=True)
        cookie = f"{session_cookie(flight.launch_id)}={other.session}"
        with_cookie = self._do(self._bare_get(self._path(flight), cookie))
        if flight is not other:
            assert with_cookie.status_code == 404
        self._shown(flight, with_cookie, browser=flight.browser if flight is other else None)

    @precondition(_arrived)
    @rule(data=st.data())
    def type_notes(self, data: st.DataObject) -> None:
        """Words typed in one visit; they belong to it, and another launch's CSRF token does not let them in."""
        flight, other = self._pick(data, arrived=True), self._pick(data, arrived=True)
        csrf = other.csrf if other.csrf else flight.csrf
        words = f"Words {next(_numbers)} on {flight.ehr.patients[flight.patient]}"
        answer = self._post(flight, "/text", csrf, text=words)
        hidden = self._is_hidden(flight)
        if not hidden:
            self._note_presence(flight)
        if csrf != flight.csrf or hidden:
            assert answer.status_code in (401, 403, 409, 423), answer.status_code
        elif answer.status_code < 300:
            assert flight.visit not in self.typed
            self.typed[flight.visit] = words
        self._speaks_of_nobody_else(flight, answer)

    @precondition(_arrived)
    @rule(data=st.data())
    def unlock(self, data: st.DataObject) -> None:
        """One click after a pause: the EHR renews this launch's access, by this launch's own refresh token."""
        flight = self._pick(data, arrived=True)
        if flight.csrf:
            answer = self._post(flight, "/unlock", flight.csrf)
            assert answer.status_code < 400, answer.text
            flight.seen_at = self.world.clock.passed

    @rule(minutes=st.sampled_from([1, 4, 6, 16]))
    def idle(self, minutes: int) -> None:
        self.world.clock.forward(minutes=minutes, seconds=0.5)

    @invariant()
    def every_token_was_used_for_its_own_launch(self) -> None:
        for ehr in self.world.ehrs:
            assert ehr.crossings == []
            assert ehr.flaws == []

    def teardown(self) -> None:
        try:
            self._do(self._examine())
        finally:
            for browser in self.browsers:
                self._do(browser.aclose())

    def _path(self, flight: Flight) -> str:
        return f"/v/{flight.launch_id}"

    def _cookies(self, browser: int) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.browsers[browser].cookies.jar}

    def _callback(self, flight: Flight, query: dict[str, str] | None, *, browser: int | None = None) -> httpx.Response:
        client = self.browsers[flight.browser if browser is None else browser]
        path = urlsplit(flight.ehr.client.redirect_uri).path
        return self._do(client.get(path, params=flight.query if query is None else query))

    def _reaches_the_ehr(self, flight: Flight) -> bool:
        """Whether a code would be exchanged: the state unused and at most ten minutes old."""
        return not flight.state_spent and self.world.clock.passed <= flight.left_at + 600

    def _refused(self, answer: httpx.Response) -> None:
        assert 400 <= answer.status_code < 500, answer.status_code
        assert not [name for name in answer.headers.get_list("set-cookie") if name.startswith("__Host-visit-")]
        assert not _everybody(self.world) & _words(answer)

    def _is_hidden(self, flight: Flight) -> bool:
        return self.world.clock.passed >= flight.seen_at + 900

    def _shown(self, flight: Flight, answer: httpx.Response, *, browser: int | None) -> None:
        if browser != flight.browser:
            assert answer.status_code == 404
            assert not _everybody(self.world) & _words(answer)
            return
        self._speaks_of_nobody_else(flight, answer)
        if self._is_hidden(flight):
            assert not _everybody(self.world) & _words(answer)
        elif answer.request.url.path == self._path(flight):
            assert flight.knows() <= _words(answer)
        if not self._is_hidden(flight) and not answer.request.url.path.endswith("/status"):
            self._note_presence(flight)
        if found := _CSRF.search(answer.text):
            flight.csrf = found[1]

    def _note_presence(self, flight: Flight) -> None:
        """The connector notes at most once a minute that a person is there."""
        if self.world.clock.passed >= flight.seen_at + 60:
            flight.seen_at = self.world.clock.passed

    def _speaks_of_nobody_else(self, flight: Flight, answer: httpx.Response) -> None:
        assert not (_everybody(self.world) - flight.knows()) & _words(answer)
        foreign = {words for visit, words in self.typed.items() if visit != flight.visit}
        assert not [words for words in foreign if words in answer.text]

    async def _bare_get(self, path: str, cookie: str) -> httpx.Response:
        async with self.world.scribe.browser() as browser:
            return await browser.get(path, headers={"Cookie": cookie})

    def _post(self, flight: Flight, path: str, csrf: str, **form: str) -> httpx.Response:
        headers = {"X-CSRF-Token": csrf, "Origin": PUBLIC, "Accept": "application/json"}
        client = self.browsers[flight.browser]
        return self._do(client.post(self._path(flight) + path, headers=headers, data=form))

    async def _examine(self) -> None:
        """The store at the end: each launch in its tenant, each visit of one patient and clinician, chains whole."""
        parts = self.world.scribe.parts
        visits: dict[str, tuple[str, str, str, str]] = {}
        for flight in self.flights:
            if flight.launch_id:
                row = await parts.sessions.find_launch(flight.launch_id)
                assert row is not None
                assert row.tenant == flight.ehr.name
                assert visits.setdefault(row.visit_id, flight.visit) == flight.visit
        assert len(set(visits.values())) == len(visits)
        async with parts.visits.engine.connect() as connection:
            events = schema.audit_events
            found = await connection.execute(select(events.c.tenant, events.c.visit_id))
            assert not [row for row in found if row.visit_id in visits and row.tenant != visits[row.visit_id][0]]
        # Charts may still be being read: the chains are those of one moment.
        assert not [one.tenant for one in await audit.verify_all(parts.visits.engine) if one.broken_at is not None]


def _everybody(world: World) -> set[str]:
    return {name for ehr in world.ehrs for named in (ehr.patients, ehr.clinicians) for name in named.values()}


def _words(answer: httpx.Response) -> set[str]:
    return set(re.findall(r"[A-Za-z]+", answer.text))


def test_launches_in_any_order_never_cross(world: World) -> None:
    run_state_machine_as_test(
        lambda: Launches(world),
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            # A failing order is told as it was found: making it smaller on real servers takes minutes.
            phases=(Phase.generate,),
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
