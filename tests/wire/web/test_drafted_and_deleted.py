"""Every parameter of a draft and of the deletion behind it, from the setting to the wire and from the answer to the
note and the ledger.

Against the sandbox AssemblyAI as a process of its own, whose journal keeps what it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connector.app import compose
from connector.clients.speech_request import SpeechOptions, build_transcript_request
from connector.errors import ConnectorError
from connector.records import DraftNote, VendorCopy
from connector.settings import Settings
from connector.visit.note import draft_note
from connector.visit.vendor_copies import begin_copy, delete_copies, name_copy
from tests.fixtures.assemblyai import run_process
from tests.unit.web import samples
from tests.wire.clients_assemblyai.conftest import Peer
from tests.wire.web.conftest import Site, open_site
from tests.wire.web.test_gateway_account import GOOD

CHAIN = {"gateway_model": "claude-sonnet-4-6", "gateway_fallbacks": ("gemini-2.5-pro", "gpt-5.1")}
DOWN = "failing_models"
CALM = {DOWN: [], "completions_per_minute": 10_000}


@dataclass(frozen=True)
class Drafted:
    """One draft: the requests that asked for it as the sandbox has them, and the note or what came instead."""

    site: Site
    visit_id: str
    asked: list[dict[str, Any]]
    note: DraftNote | None
    error: ConnectorError | None

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the only request."""
        (request,) = self.asked
        return dict(request["json"])

    async def copies(self) -> list[VendorCopy]:
        """What the ledger has of the visit."""
        return await self.site.parts.ledger.copies(self.visit_id)


Draft = Callable[..., Any]


class Sandbox:
    """The sandbox's own switches and journal."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def control(self, **changes: Any) -> None:
        assert (await self.client.patch("/sandbox/controls", json=changes)).status_code == 200

    async def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        entries = (await self.client.get("/sandbox/requests")).json()["requests"]
        return [one for one in entries if one["method"] == method and path in one["path"]]


@pytest.fixture(scope="module")
async def base(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("assemblyai")
    with run_process(folder, "--queue-seconds", "0.05", "--process-seconds", "0.05") as running:
        yield running


@pytest.fixture
async def sandbox(base: str) -> AsyncIterator[Sandbox]:
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=30) as client:
        one = Sandbox(client)
        await client.delete("/sandbox/requests")
        await one.control(**CALM)
        yield one
        await one.control(**CALM)


@pytest.fixture
async def draft(product_settings: Settings, base: str, sandbox: Sandbox) -> AsyncIterator[Draft]:
    """Drafts the note of a visit that was transcribed, under other settings; one site a test."""
    opened: list[Any] = []
    yield partial(_draft, product_settings, base, sandbox, opened)
    for manager in reversed(opened):
        await manager.__aexit__(None, None, None)


async def _draft(usual: Settings, base: str, sandbox: Sandbox, opened: list[Any], **changes: Any) -> Drafted:
    where = {"assemblyai_base_url": base, "gateway_base_url": f"{base}/v1", "assemblyai_api_key": SecretStr("drafting")}
    composing = compose(usual.model_copy(update={**where, **changes}))
    composition = await composing.__aenter__()
    opened.append(composing)
    opening = open_site(composition.parts)
    site = await opening.__aenter__()
    opened.append(opening)
    seat = await site.seat(samples.consent(), samples.transcript(), state="TRANSCRIBED")
    error: ConnectorError | None = None
    try:
        await draft_note(site.parts, seat.visit_id)
    except ConnectorError as raised:
        error = raised
    asked = await sandbox.requests("POST", "/chat/completions")
    note = await site.parts.visits.latest(seat.visit_id, DraftNote)
    return Drafted(site, seat.visit_id, asked, note, error)


async def test_row_6_a_soap_note_comes_from_the_gateway_by_its_address_and_key(draft: Draft) -> None:
    drafted = await draft()
    assert (drafted.asked[0]["path"], drafted.sent["model"]) == ("/v1/chat/completions", "claude-sonnet-4-6")
    assert [one.key for one in drafted.note.sections] == ["subjective", "objective", "assessment", "plan"]
    assert drafted.note.stamp.model.startswith("sandbox-offline-drafter")
    cited = {turn for section in drafted.note.sections for one in section.sentences for turn in one.turn_ids}
    assert cited and cited <= {turn.turn_id for turn in samples.transcript().turns}


async def test_row_6_any_compatible_service_is_spoken_to_by_base_url_and_key_alone(draft: Draft) -> None:
    elsewhere = await draft(gateway_kind="openai", gateway_api_key=SecretStr("another"), **CHAIN)
    assert elsewhere.note is not None
    assert not {"fallbacks", "fallback_config"} & elsewhere.sent.keys()


KEYS = {
    "the service's own": ("assemblyai", {"gateway_api_key": SecretStr("of-the-gateway")}, "Bearer of-the-gateway"),
    "the vendor's for both": ("assemblyai", {}, "Bearer of-the-vendor"),
    "another service's own": ("openai", {"gateway_api_key": SecretStr("of-another")}, "Bearer of-another"),
    "never the vendor's for another": ("openai", {}, None),
}


@pytest.mark.parametrize("whose", KEYS)
async def test_row_6_the_key_of_the_settings_goes_over_the_wire_and_no_other(
    product_settings: Settings, whose: str
) -> None:
    kind, key, sent = KEYS[whose]
    peer = Peer().plays(GOOD)
    async with await asyncio.start_server(peer.serve, "127.0.0.1", 0) as server:
        peer.port = server.sockets[0].getsockname()[1]
        where = {"gateway_base_url": peer.url, "gateway_kind": kind, "assemblyai_api_key": SecretStr("of-the-vendor")}
        async with compose(product_settings.model_copy(update={**where, **key})) as made, open_site(made.parts) as site:
            seat = await site.seat(samples.consent(), samples.transcript(), state="TRANSCRIBED")
            await draft_note(site.parts, seat.visit_id)
            assert await site.parts.visits.latest(seat.visit_id, DraftNote) is not None
    assert [request.headers.get("authorization") for request in peer.requests] == [sent]
    assert "of-the-vendor" not in str(peer.requests) or sent == "Bearer of-the-vendor"


async def test_row_8_the_schema_is_asked_for_strictly_and_the_note_has_its_sections(draft: Draft) -> None:
    drafted = await draft(gateway_max_tokens=4321)
    form = drafted.sent["response_format"]
    assert (form["type"], form["json_schema"]["strict"]) == ("json_schema", True)
    schema = form["json_schema"]["schema"]
    assert schema["additionalProperties"] is False and set(schema["required"]) == set(schema["properties"])
    assert {one.key for one in drafted.note.sections} == set(schema["properties"])
    assert 4321 in (drafted.sent.get("max_tokens"), drafted.sent.get("max_completion_tokens"))


async def test_row_8_the_chain_goes_with_its_depth_and_the_model_that_answered_is_on_the_note(
    draft: Draft, sandbox: Sandbox
) -> None:
    await sandbox.control(**{DOWN: ["claude-sonnet-4-6"]})
    drafted = await draft(**CHAIN, gateway_fallback_depth=2)
    assert [one["model"] for one in drafted.sent["fallbacks"]] == ["gemini-2.5-pro", "gpt-5.1"]
    assert drafted.sent["fallback_config"]["depth"] == 2
    assert drafted.note.stamp.model == "sandbox-offline-drafter (gemini-2.5-pro)"


async def test_row_8_no_model_beyond_the_depth_is_asked(draft: Draft, sandbox: Sandbox) -> None:
    await sandbox.control(**{DOWN: ["claude-sonnet-4-6", "gemini-2.5-pro"]})
    shallow = await draft(**CHAIN, gateway_fallback_depth=1)
    assert (shallow.note, shallow.error.retryable) == (None, True)
    assert {one["json"]["fallback_config"]["depth"] for one in shallow.asked} == {1}


async def test_row_9_completion_and_transcript_are_deleted_and_what_can_be_read_back_is(
    draft: Draft, sandbox: Sandbox
) -> None:
    drafted = await draft()
    parts = drafted.site.parts
    job_id = await _transcribe(drafted)
    for _ in range(3):
        if await delete_copies(parts, drafted.visit_id):
            break
    states = {copy.kind: copy.state for copy in await drafted.copies()}
    assert states == {"completion": "answered", "transcript": "verified", "upload": "verified"}
    deleted = [one["path"] for one in await sandbox.requests("DELETE", "/")]
    completion = next(copy.vendor_id for copy in await drafted.copies() if copy.kind == "completion")
    assert sorted(path.rpartition("/")[2] for path in deleted) == sorted((completion, job_id))
    stub = (await sandbox.client.get(f"/v2/transcript/{job_id}", headers={"authorization": "drafting"})).json()
    assert stub.get("text") != samples.transcript().turns[0].text and not stub.get("words")


async def _transcribe(drafted: Drafted) -> str:
    """A job of the visit at the vendor's, written down as the product does."""
    parts = drafted.site.parts

    async def sound() -> AsyncIterator[bytes]:
        yield b"OggS" * 1000

    upload = await begin_copy(parts, drafted.visit_id, "upload")
    address = await parts.speech.upload(sound(), 4000)
    await name_copy(parts, upload, address)
    begun = await begin_copy(parts, drafted.visit_id, "transcript")
    job = await parts.speech.submit(build_transcript_request(address, (), options=SpeechOptions(("universal-2",))))
    await name_copy(parts, begun, job.job_id)
    return str(job.job_id)
