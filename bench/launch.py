"""A launch, from the EHR's click to the first page with the chart in it, beside a bare script that asks the same.

In: how often. Out: outbound requests, medians of milliseconds and their ratio. What the EHR does between its authorize
address and the redirect back is outside of both clocks; every launch opens a visit of its own, by a new encounter.
"""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import parse_qs

import httpx
from connector_sandbox import hapi
from connector_sandbox.clinician import first_clinician, open_browser
from connector_sandbox.recordings.library import load_recordings
from connector_sandbox.stack import CLIENT_ID, SCOPES, TENANT, Choices, Stack, running_stack
from connector_sandbox.state import claim_state_folder

from bench.bare_launch import BareClient, BareScript
from bench.report import NotMeasured, Report, say
from bench.visit import bundled_patient
from connector.assets.catalogue import load_mapping
from connector.context.mapping import FIRST, ContextMapping

REPETITIONS = 31
TARGETS = {
    "outbound_before_redirect_warm": "== 0",
    "outbound_after_callback_warm": "== 1",
    "overhead_ratio": "<= 1.25",
}
_WARMING = 5
# The rest of the chart is read behind the first page; that is over when the EHR was asked nothing for this long.
_QUIET_S, _PATIENCE_S = 0.4, 30.0
# One address launches more often here than any clinic's would.
_NO_LIMIT = {"CONNECTOR_LAUNCHES_PER_MINUTE": "100000"}
_NOT_OURS = re.compile(r"^/(?:launches|sandbox/|auth/authorize|health)")
_READ = re.compile(r"^/fhir/(?!\.well-known/|metadata)")
_CHART, _UNREAD = 'id="chart-title"', "Not everything could be read"
_STATE = re.compile(r'data-state="([A-Z]+)"')


@dataclass(frozen=True)
class Launched:
    """One launch of ours: milliseconds, and what was asked of the EHR before the redirect and after the callback."""

    to_redirect_ms: float
    to_page_ms: float
    before: tuple[str, ...]
    after: tuple[str, ...]
    reads: tuple[str, ...]

    @property
    def total_ms(self) -> float:
        return self.to_redirect_ms + self.to_page_ms


def run(repetitions: int) -> Report:
    """Starts a stack in a state folder of its own, does the launches and stops it. Raises NotMeasured."""
    hapi.build()
    state = claim_state_folder()
    try:
        with running_stack(state.path, Choices(extra=_NO_LIMIT), say=say) as stack:
            return measure(stack, repetitions=repetitions, patient=bundled_patient(load_recordings()[0]))
    finally:
        state.release()


def measure(stack: Stack, *, repetitions: int, patient: str) -> Report:
    """Launches `patient` (an id) by turns in the connector and in the bare script. Raises NotMeasured."""
    with asyncio.Runner() as runner, httpx.Client(trust_env=False, timeout=60.0) as desk:
        rounds = _Rounds(stack, patient, desk)
        bare = BareScript(rounds.fhir_base, _read_client(stack))
        runner.run(bare.warm_up())
        for _ in range(_WARMING):
            rounds.launch_bare(runner, bare, reads=rounds.launch_ours().reads)
        ours, others = [], []
        for number in range(repetitions):
            if number % 2:
                others.append(rounds.launch_bare(runner, bare, reads=ours[-1].reads))
            ours.append(rounds.launch_ours())
            if not number % 2:
                others.append(rounds.launch_bare(runner, bare, reads=ours[-1].reads))
        runner.run(bare.aclose())
    return summarise(ours, others)


def summarise(ours: list[Launched], others: list[float]) -> Report:
    """Medians; of outbound requests the worst launch counts."""
    mine, theirs = median(one.total_ms for one in ours), median(others)
    figures = {
        "outbound_before_redirect_warm": max(len(one.before) for one in ours),
        "outbound_after_callback_warm": max(len(one.after) for one in ours),
        "overhead_ratio": round(mine / theirs, 3),
        "ours_ms": round(mine, 1),
        "ours_to_redirect_ms": round(median(one.to_redirect_ms for one in ours), 1),
        "ours_callback_to_page_ms": round(median(one.to_page_ms for one in ours), 1),
        "bare_ms": round(theirs, 1),
        "chart_reads": len(ours[0].reads),
        "launches": len(ours),
        "bare_launches": len(others),
    }
    say(
        f"A warm launch takes {mine:.0f} ms from /launch to the first page, a bare script {theirs:.0f} ms for the same "
        f"{len(ours[0].reads)} reads (medians of {len(ours)} and {len(others)}; without the EHR's own authorize step)."
    )
    return Report("launch", figures, TARGETS)


class _Rounds:
    """Launches of one patient by one clinician, each for an encounter of its own."""

    def __init__(self, stack: Stack, patient: str, desk: httpx.Client) -> None:
        self._connector, self._ehr = stack.addresses.connector, stack.addresses.ehr
        self.fhir_base = f"{self._ehr}/fhir"
        self._patient = patient
        self._clinician = first_clinician(self._ehr)
        self._desk = desk
        self._seen = 0
        searches = ContextMapping.from_dict(load_mapping("context.yaml")).searches
        self._first = [searches[name] for name in FIRST]

    def launch_ours(self) -> Launched:
        """One launch of the connector, by a browser of its own that has a connection open, as the script has one."""
        with open_browser() as browser:
            browser.follow_redirects = False
            browser.get(f"{self._connector}/health/live").raise_for_status()
            return self._launch_in(browser)

    def _launch_in(self, browser: httpx.Client) -> Launched:
        opened, mark = self._open(), self._mark()
        begun = time.perf_counter()
        departing = browser.get(opened["launch_url"])
        to_redirect = time.perf_counter() - begun
        before = self._asked(mark)
        back, mark = self._approve(_next(departing)), self._mark()
        begun = time.perf_counter()
        page = browser.get(httpx.URL(back).join(_next(browser.get(back))))
        to_page = time.perf_counter() - begun
        _check_page(page)
        self._settle()
        asked = self._asked(mark)
        reads = tuple(one.removeprefix("/fhir/") for one in asked if _READ.match(one))
        reads = tuple(one for one in reads if self._is_first(one))
        return Launched(
            to_redirect_ms=to_redirect * 1000,
            to_page_ms=to_page * 1000,
            before=tuple(before),
            after=tuple(one for one in asked if not _READ.match(one)),
            reads=tuple(one.replace(opened["encounter"], "{encounter}") for one in reads),
        )

    def launch_bare(self, runner: asyncio.Runner, bare: BareScript, *, reads: Iterable[str]) -> float:
        """The same by the bare script; milliseconds. Raises NotMeasured unless the EHR was asked the same."""
        opened, mark = self._open(), self._mark()
        wanted = [one.replace("{encounter}", opened["encounter"]) for one in reads]
        begun = time.perf_counter()
        departed = bare.depart(opened["launch"])
        passed = (time.perf_counter() - begun) * 1000
        passed += runner.run(bare.arrive(departed, self._approve(departed.url), wanted))
        asked = self._asked(mark)
        if sorted(asked) != sorted(["/auth/token", *(f"/fhir/{one}" for one in wanted)]):
            raise NotMeasured("the bare script did not ask the EHR for the same as the connector")
        return passed

    def _open(self) -> Mapping[str, Any]:
        given = {"patient": self._patient, "practitioner": self._clinician}
        opened: dict[str, Any] = self._desk.post(f"{self._ehr}/launches", json=given).raise_for_status().json()
        return opened

    def _approve(self, url: str) -> str:
        """The EHR's own step, outside of both clocks; where it sends the browser."""
        answer = self._desk.get(url)
        if answer.status_code not in (302, 303):
            raise NotMeasured(f"the EHR answered an authorization request with {answer.status_code}")
        return str(answer.headers["location"])

    def _is_first(self, read: str) -> bool:
        """Whether a read belongs to the first page: all that names one resource, and the searches of that stage."""
        resource, _, query = read.partition("?")
        if not query:
            return True
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        return any(one.resource == resource and dict(one.parameters).items() <= asked.items() for one in self._first)

    def _settle(self) -> None:
        """Waits until the reading behind the page is over, which must not share the machine with the next launch."""
        end = time.monotonic() + _PATIENCE_S
        seen = self._seen
        while time.monotonic() < end:
            time.sleep(_QUIET_S)
            newest = max((int(one["seq"]) for one in self._journal(seen)), default=seen)
            if newest == seen:
                return
            seen = newest
        raise NotMeasured(f"the EHR was still being asked {_PATIENCE_S:.0f} s after the first page")

    def _mark(self) -> int:
        self._seen = max((int(one["seq"]) for one in self._journal(self._seen)), default=self._seen)
        return self._seen

    def _asked(self, mark: int) -> list[str]:
        """Addresses an app has asked for since, with their queries."""
        listed = [one for one in self._journal(mark) if not _NOT_OURS.match(one["path"])]
        return [one["path"] + (f"?{one['query']}" if one["query"] else "") for one in listed]

    def _journal(self, after: int) -> list[dict[str, Any]]:
        answer = self._desk.get(f"{self._ehr}/sandbox/requests", params={"after": after}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["requests"]
        return found


def _next(answer: httpx.Response) -> str:
    """Where a redirect leads."""
    if answer.status_code != 303:
        raise NotMeasured(f"the connector answered {answer.request.url.path} with {answer.status_code}")
    return str(answer.headers["location"])


def _check_page(page: httpx.Response) -> None:
    """Only the page of the visit with the whole chart in it is the first page."""
    state = _STATE.search(page.text)
    if page.status_code != 200 or state is None or state[1] != "PRIMED" or _CHART not in page.text:
        raise NotMeasured(f"the first page is not the chart's: {page.status_code}, {state[1] if state else 'no state'}")
    if _UNREAD in page.text:
        raise NotMeasured("the first page shows a chart of which something could not be read")


def _read_client(stack: Stack) -> BareClient:
    secret = (stack.private / "client-secret").read_text(encoding="ascii")
    return BareClient(CLIENT_ID, secret, f"{stack.addresses.connector}/launch/callback/{TENANT}", SCOPES)
