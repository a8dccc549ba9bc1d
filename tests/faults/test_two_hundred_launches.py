"""Two hundred launches by two clinicians of two patients at each of two EHRs, many at once: nothing crosses.

In one web process, and in two on one database, where each request of a launch goes to either.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from connector.store import audit
from connector.store.database import DatabaseAddress, make_engine
from tests.faults.two_clinics import CLINICIANS, FAMILIES, Clinics, SandboxClinic, open_clinics
from tests.fixtures.folders import short_folder

LAUNCHES, AT_ONCE, BROWSERS = 200, 12, 5
STEPS = ("open", "depart", "approve", "come_back", "come_again", "look", "pry", "type", "look")
_CSRF = re.compile(r'name="csrf"[^>]*?(?:value|content)="([^"]+)"')
_NAMES = {*CLINICIANS.values(), *(name for names in FAMILIES.values() for name in names)}


@dataclass
class Launched:
    """One launch and how far it has come; `cookies` are its browser's, which other launches use as well."""

    number: int
    ehr: SandboxClinic
    patient: str
    clinician: str
    cookies: dict[str, str]
    left: list[str] = field(default_factory=lambda: list(STEPS))
    url: str = ""
    callback: str = ""
    launch: str = ""
    launch_id: str = ""
    csrf: str = ""
    words: str = ""

    def knows(self) -> set[str]:
        return {self.ehr.patients[self.patient], CLINICIANS[self.clinician]}


class Day:
    """The launches of one day in a random order that is the same every time."""

    def __init__(self, clinics: Clinics, http: httpx.AsyncClient) -> None:
        self.clinics, self.http = clinics, http
        self.chance = random.Random(20260302)
        browsers: list[dict[str, str]] = [{} for _ in range(BROWSERS)]
        self.launches = []
        for number in range(LAUNCHES):
            ehr = clinics.ehrs[number % 2]
            who = self.chance.choice(sorted(ehr.patients)), self.chance.choice(sorted(CLINICIANS))
            self.launches.append(Launched(number, ehr, *who, self.chance.choice(browsers)))
        self.waiting = list(self.launches)

    async def pass_by(self) -> None:
        """Takes every launch through all its steps, a dozen at once, whose turn it is left to chance."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        # Only some are under way at a time, as in a clinic; the rest wait at the door.
        while self.waiting:
            one = self.waiting.pop(self.chance.randrange(min(len(self.waiting), 4 * AT_ONCE)))
            await getattr(self, f"_{one.left.pop(0)}")(one)
            if one.left:
                self.waiting.insert(0, one)

    async def _open(self, one: Launched) -> None:
        given = {"patient": one.patient, "practitioner": one.clinician}
        opened = (await self.http.post(f"{one.ehr.base}/launches", json=given)).raise_for_status().json()
        one.url, one.launch = opened["launch_url"], opened["launch"]

    async def _depart(self, one: Launched) -> None:
        answer = await self._ask(one, one.url)
        assert answer.status_code == 303, answer.text
        one.url = answer.headers["location"]
        assert one.url.startswith(f"{one.ehr.base}/auth/authorize?")

    async def _approve(self, one: Launched) -> None:
        answer = await self.http.get(one.url)
        assert answer.status_code in (302, 303), answer.text
        one.callback = answer.headers["location"]
        assert "code" in parse_qs(urlsplit(one.callback).query), one.callback

    async def _come_back(self, one: Launched) -> None:
        stranger = await self._ask(one, one.callback, cookies={})
        self._tells_nothing(stranger, 400)
        answer = await self._ask(one, one.callback)
        assert answer.status_code == 303, answer.text
        one.launch_id = answer.headers["location"].removeprefix("/v/")

    async def _come_again(self, one: Launched) -> None:
        self._tells_nothing(await self._ask(one, one.callback), 400)

    async def _look(self, one: Launched) -> None:
        for _ in range(20):
            page = await self._ask(one, f"/v/{one.launch_id}")
            assert page.status_code == 200, page.text
            if 'data-state="LAUNCHED"' not in page.text:
                break
        self._speaks_of(one, page)
        found = _CSRF.search(page.text)
        assert found is not None
        one.csrf = found[1]

    async def _pry(self, one: Launched) -> None:
        """Another launch's cookie, by its own name and by this one's, and another launch's form token."""
        other = self.chance.choice([each for each in self.launches if each.launch_id and each is not one])
        theirs = f"__Host-visit-{other.launch_id[:16]}"
        secret = other.cookies[theirs]
        for cookies in ({theirs: secret}, {f"__Host-visit-{one.launch_id[:16]}": secret}):
            self._tells_nothing(await self._ask(one, f"/v/{one.launch_id}", cookies=cookies), 404)
        if other.csrf:
            assert (await self._type_in(one, "Words of somebody else", csrf=other.csrf)).status_code == 403

    async def _type(self, one: Launched) -> None:
        one.words = f"Words of launch {one.number} end"
        answer = await self._type_in(one, one.words, csrf=one.csrf)
        assert answer.status_code == 200, answer.text

    async def _type_in(self, one: Launched, words: str, *, csrf: str) -> httpx.Response:
        headers = {"X-CSRF-Token": csrf, "Accept": "application/json", "Cookie": _header(one.cookies)}
        url = self._anywhere(f"/v/{one.launch_id}/text")
        return await self.http.post(url, data={"text": words}, headers=headers)

    def _anywhere(self, url: str) -> str:
        """The same address at a process left to chance, as a balancer would choose it."""
        web, parts = urlsplit(self.chance.choice(self.clinics.webs)), urlsplit(url)
        return urlunsplit((web.scheme, web.netloc, parts.path, parts.query, ""))

    async def _ask(self, one: Launched, url: str, *, cookies: dict[str, str] | None = None) -> httpx.Response:
        sent = one.cookies if cookies is None else cookies
        answer = await self.http.get(self._anywhere(url), headers={"Accept": "text/html", "Cookie": _header(sent)})
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            assert cookies is None or not value, "a cookie for somebody who may not have one"
            sent[name] = value
        return answer

    def _tells_nothing(self, answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, answer.status_code
        assert not _NAMES & set(re.findall(r"\w+", answer.text))

    def _speaks_of(self, one: Launched, page: httpx.Response) -> None:
        spoken = _NAMES & set(re.findall(r"\w+", page.text))
        assert spoken == one.knows(), (one.number, spoken)
        assert set(re.findall(r"Words of launch \d+ end", page.text)) <= {one.words}


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items() if value)


def check_ehr(ehr: SandboxClinic, launches: list[Launched]) -> None:
    """Every token this EHR was shown it had issued, for a launch of its own and for the patient asked for."""
    patients = {one.launch: one.patient for one in launches if one.ehr is ehr}
    met = set()
    for entry in ehr.journal():
        path, evidence = entry["path"], entry["evidence"]
        if not path.startswith("/fhir/") or "well-known" in path or path == "/fhir/metadata":
            continue
        assert entry["status"] == 200, (path.split("/")[2], entry["status"])
        assert evidence["token_issued"]
        met.add(evidence["launch"])
        asked = parse_qs(entry["query"]).get("patient") or re.findall(r"^/fhir/Patient/(.+)$", path)
        assert [one.removeprefix("Patient/") for one in asked] in ([], [patients[evidence["launch"]]])
    assert met == set(patients), "a launch of which this EHR was never asked anything"


async def check_store(database: DatabaseAddress, launches: list[Launched]) -> None:
    """Launches, visits and audit links in their own tenants, no visit of two launches, and whole chains."""
    with psycopg.connect(database.libpq, row_factory=dict_row) as connection:
        rows = {one["launch_id"]: one for one in connection.execute("SELECT launch_id, visit_id, tenant FROM launches")}
        visits = {one["visit_id"]: one["tenant"] for one in connection.execute("SELECT visit_id, tenant FROM visits")}
        links = connection.execute("SELECT tenant, visit_id FROM audit_events WHERE visit_id IS NOT NULL").fetchall()
    assert {one.launch_id: one.ehr.tenant for one in launches} == {key: row["tenant"] for key, row in rows.items()}
    assert {row["visit_id"]: row["tenant"] for row in rows.values()} == visits
    assert len(visits) == LAUNCHES
    assert len(links) >= 2 * LAUNCHES
    assert all(visits[one["visit_id"]] == one["tenant"] for one in links)
    engine = make_engine(database)
    try:
        assert [one.broken_at for one in await audit.verify_all(engine)] == [None, None]
    finally:
        await engine.dispose()


@pytest.mark.parametrize("processes", [1, 2])
async def test_two_hundred_launches_at_once_never_cross(
    make_database: Callable[[], DatabaseAddress], processes: int
) -> None:
    database = make_database()
    # Given back sooner than the servers close what is idle (5 s): nothing is sent into a connection being closed.
    limits = httpx.Limits(max_connections=2 * AT_ONCE, max_keepalive_connections=2 * AT_ONCE, keepalive_expiry=2.0)
    with short_folder() as folder, open_clinics(folder, database, processes=processes) as clinics:
        async with httpx.AsyncClient(trust_env=False, timeout=60.0, limits=limits) as http:
            day = Day(clinics, http)
            await day.pass_by()
        for ehr in clinics.ehrs:
            check_ehr(ehr, day.launches)
        await check_store(database, day.launches)
