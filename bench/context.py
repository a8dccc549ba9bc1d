"""The reading of the chart through the sandbox EHR, beside a bare script that makes the same reads, as many at once.

In: how often. Out: requests, bytes, and the ratio of the seconds both take, by turns; and what a chart of 7,500
resources costs beside one of 50, those two by turns as well. The bare script reads and decodes, and keeps nothing.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from connector_sandbox import hapi
from connector_sandbox.clinician import first_clinician
from connector_sandbox.stack import CLIENT_ID, SCOPES, TENANT, Choices, Stack, running_stack
from connector_sandbox.state import claim_state_folder

from bench import large_chart
from bench.bare_launch import BareClient, BareScript
from bench.report import NotMeasured, Report, say
from connector.assets.catalogue import load_mapping
from connector.clients.fhir import FhirServer
from connector.clients.http import make_client
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import FIRST_SECTIONS, Subject, complete_context, read_context
from connector.context.mapping import ContextMapping
from connector.records import PatientContext, SectionState

REPETITIONS = 11
TARGETS = {
    "wall_ratio": "<= 1.10",
    "requests_parallel": "<= 7",
    "requests_batch": "== 1",
    "large_chart_time_ratio": "<= 1.5",
}
_WARMING = 2
_BACKGROUND_EVERY = 4
_READ = (SectionState.OK, SectionState.EMPTY, SectionState.PARTIAL)


@dataclass
class Counted:
    """What one reading asked for: paths and parameters, batches, bytes of the answers."""

    reads: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    others: int = 0
    bytes: int = 0

    @property
    def requests(self) -> int:
        """All of them, followed links and batches included."""
        return len(self.reads) + self.others


@dataclass(frozen=True)
class Measured:
    """One chart: the first stage's and the background's requests, seconds of both ways, and what was read."""

    first: Counted
    background: Counted
    batched: Counted
    ours: float
    bare: float
    whole: float
    context: PatientContext


def run(repetitions: int) -> Report:
    """Starts a stack in a state folder of its own, loads the two charts, reads and stops it. Raises NotMeasured."""
    hapi.build()
    state = claim_state_folder()
    try:
        with running_stack(state.path, Choices(), say=say) as stack:
            sizes = large_chart.load(stack.addresses.hapi, now=datetime.now(UTC))
            say(f"Two charts of {' and '.join(map(str, sizes.values()))} resources are loaded.")
            return asyncio.run(measure(stack, repetitions=repetitions, sizes=sizes))
    finally:
        state.release()


async def measure(stack: Stack, *, repetitions: int, sizes: Mapping[str, int]) -> Report:
    """Reads the eight patients' charts and the two of known size. Raises NotMeasured."""
    mapping = ContextMapping.from_dict(load_mapping("context.yaml"))
    async with make_client(timeout=30.0) as mine, httpx.AsyncClient(trust_env=False, timeout=30.0) as theirs:
        charts: dict[str, Measured] = {}
        for together in (*([patient] for patient in await _bundled(stack)), list(sizes)):
            desks = {patient: _Desk(stack, mine, theirs, mapping) for patient in together}
            charts |= await _measure(desks, repetitions)
    return summarise(charts, sizes=sizes, repetitions=repetitions)


def summarise(charts: Mapping[str, Measured], *, sizes: Mapping[str, int], repetitions: int) -> Report:
    """Ratios of sums of medians; of requests the worst chart counts."""
    small, large = charts[large_chart.SMALL], charts[large_chart.LARGE]
    patients = [one for patient, one in charts.items() if patient not in sizes]
    ours, bare = sum(one.ours for one in patients), sum(one.bare for one in patients)
    figures = {
        "wall_ratio": round(ours / bare, 3),
        "requests_parallel": max(one.first.requests for one in charts.values()),
        "requests_batch": max(one.batched.requests for one in charts.values()),
        "requests_background": max(one.background.requests for one in charts.values()),
        "large_chart_requests": large.first.requests + large.background.requests,
        "large_chart_time_ratio": round(large.ours / small.ours, 3),
        "large_chart_both_stages_time_ratio": round(large.whole / small.whole, 3),
        "small_chart_requests": small.first.requests + small.background.requests,
        "large_chart_ms": round(large.ours * 1000, 1),
        "small_chart_ms": round(small.ours * 1000, 1),
        "ours_ms": round(ours * 1000 / len(patients), 1),
        "bare_ms": round(bare * 1000 / len(patients), 1),
        "bytes_first": round(median(one.first.bytes for one in patients)),
        "bytes_large_chart": large.first.bytes,
        "patients": len(patients),
        "rounds": repetitions,
        "large_chart_resources": sizes[large_chart.LARGE],
        "small_chart_resources": sizes[large_chart.SMALL],
    }
    cut = [name for name in FIRST_SECTIONS if getattr(large.context, name).state is SectionState.PARTIAL]
    if not cut:
        raise NotMeasured("the large chart was cut and no section says so")
    say(
        f"The first stage takes {figures['ours_ms']} ms, a bare script {figures['bare_ms']} ms for the same reads "
        f"(medians of {repetitions} by turns, mean of {len(patients)} patients). The large chart says of "
        f"{', '.join(cut)} that there is more."
    )
    return Report("context", figures, {**TARGETS, "large_chart_requests": f"<= {figures['small_chart_requests']}"})


class _Desk:
    """One patient's launch: a token, and readings with it."""

    def __init__(
        self, stack: Stack, mine: httpx.AsyncClient, theirs: httpx.AsyncClient, mapping: ContextMapping
    ) -> None:
        self._stack = stack
        self._base = f"{stack.addresses.ehr}/fhir"
        self._mine = mine
        self._theirs = theirs
        self._mapping = mapping
        self._token = ""
        self._subject = Subject("", None)
        self._ours: list[float] = []
        self._bare: list[float] = []
        self._whole: list[float] = []

    async def warm(self, patient: str) -> None:
        """Launches one patient's chart and reads it, untimed."""
        await self._launch(patient)
        for _ in range(_WARMING):
            self._first, self._context, _ = await self._read(self._mapping)
            await self._read_bare(self._first.reads)
        if self._first.others:
            raise NotMeasured("a first stage had more than one page, which the bare script does not follow")

    async def take_turn(self, number: int) -> None:
        """Reads the chart once each way: the bare script goes first every second time, and both stages are timed."""
        if number % 2:
            self._bare.append(await self._read_bare(self._first.reads))
        _, context, took = await self._read(self._mapping)
        if not number % 2:
            self._bare.append(await self._read_bare(self._first.reads))
        self._ours.append(took)
        if number % _BACKGROUND_EVERY == 0:
            self._background, more = await self._complete(context)
            self._whole.append(more)

    async def sum_up(self) -> Measured:
        """Medians of the turns; one more reading in batch mode."""
        batched = (await self._read(replace(self._mapping, batch=True)))[0]
        took, bare, more = (median(times) for times in (self._ours, self._bare, self._whole))
        return Measured(self._first, self._background, batched, took, bare, took + more, self._context)

    async def _launch(self, patient: str) -> None:
        clinician = first_clinician(self._stack.addresses.ehr)
        given = {"patient": patient, "practitioner": clinician, "client_id": CLIENT_ID}
        opened = (await self._theirs.post(f"{self._stack.addresses.ehr}/launches", json=given)).raise_for_status()
        launch = opened.json()
        secret = (self._stack.private / "client-secret").read_text(encoding="ascii")
        callback = f"{self._stack.addresses.connector}/launch/callback/{TENANT}"
        script = BareScript(self._base, BareClient(CLIENT_ID, secret, callback, SCOPES))
        await script.warm_up()
        departed = script.depart(launch["launch"])
        back = await self._theirs.get(departed.url)
        if back.status_code not in (302, 303):
            raise NotMeasured(f"the EHR answered an authorization request with {back.status_code}")
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": departed.verifier,
        }
        endpoint = f"{self._stack.addresses.ehr}/auth/token"
        granted = await self._theirs.post(endpoint, data=form, auth=httpx.BasicAuth(CLIENT_ID, secret))
        self._token = granted.raise_for_status().json()["access_token"]
        self._subject = Subject(f"Patient/{patient}", f"Encounter/{launch['encounter'].removeprefix('Encounter/')}")
        await script.aclose()

    def _reader(self, counted: Counted) -> ChartReader:
        async def token(renew: bool) -> str:
            if renew:
                raise NotMeasured("the EHR refused the token")
            return self._token

        server = FhirServer(self._mine, self._base, token)

        def count(answer: Any) -> FhirAnswer:
            counted.bytes += answer.size
            return FhirAnswer(answer.status, answer.body, answer.failure, answer.size)

        async def read(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
            counted.reads.append((path, parameters))
            return count(await server.read(path, parameters))

        async def follow(link: str) -> FhirAnswer:
            counted.others += 1
            return count(await server.follow(link))

        async def batch(bundle: Mapping[str, Any]) -> FhirAnswer:
            counted.others += 1
            return count(await server.batch(bundle))

        return ChartReader(self._base, read, follow, batch)

    async def _read(self, mapping: ContextMapping) -> tuple[Counted, PatientContext, float]:
        counted = Counted()
        reader = self._reader(counted)
        begun = time.perf_counter()
        context = await read_context(
            reader,
            patient=self._subject.patient,
            encounter=self._subject.encounter,
            mapping=mapping,
            now=datetime.now(UTC),
        )
        took = time.perf_counter() - begun
        unread = [name for name in FIRST_SECTIONS if getattr(context, name).state not in _READ]
        if unread:
            raise NotMeasured(f"could not be read: {', '.join(unread)}")
        return counted, context, took

    async def _complete(self, context: PatientContext) -> tuple[Counted, float]:
        counted = Counted()
        begun = time.perf_counter()
        await complete_context(
            self._reader(counted), context, subject=self._subject, mapping=self._mapping, now=datetime.now(UTC)
        )
        return counted, time.perf_counter() - begun

    async def _read_bare(self, reads: list[tuple[str, Mapping[str, str]]]) -> float:
        gate = asyncio.Semaphore(self._mapping.at_once)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/fhir+json"}

        async def one(path: str, parameters: Mapping[str, str]) -> None:
            async with gate:
                answer = await self._theirs.get(f"{self._base}/{path}", params=dict(parameters), headers=headers)
            if answer.status_code != 200:
                raise NotMeasured(f"the bare script may not read what the connector reads: {answer.status_code}")
            json.loads(answer.content)

        begun = time.perf_counter()
        await asyncio.gather(*(one(path, parameters) for path, parameters in reads))
        return time.perf_counter() - begun


async def _measure(desks: Mapping[str, "_Desk"], repetitions: int) -> dict[str, Measured]:
    """Charts that are compared are read by turns, the first of a round being another every time."""
    for patient, desk in desks.items():
        await desk.warm(patient)
    order = list(desks.values())
    for number in range(repetitions):
        for desk in order if number % 2 else reversed(order):
            await desk.take_turn(number)
    return {patient: await desk.sum_up() for patient, desk in desks.items()}


async def _bundled(stack: Stack) -> list[str]:
    """The ids of the eight bundled patients."""
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        asked = {"_count": "50", "_elements": "id"}
        bundle = (await client.get(f"{stack.addresses.hapi}/Patient", params=asked)).raise_for_status().json()
    found = sorted(entry["resource"]["id"] for entry in bundle["entry"])
    bundled = [patient for patient in found if patient not in (large_chart.SMALL, large_chart.LARGE)]
    if len(bundled) != 8:
        raise NotMeasured(f"there are {len(bundled)} bundled patients, not 8")
    return bundled
