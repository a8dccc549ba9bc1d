"""Webhooks of the vendor: only with the job's secret, durable before they are acknowledged, and never believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from connector_sandbox.recordings import load_recording
from sqlalchemy import select

from connector.records import Transcript
from connector.store import schema
from connector.store.inbox import MOST_OF_A_JOB, WebhookInbox, hash_secret
from connector.store.reach import Reach, narrowed
from connector.visit.parts import Parts
from connector.visit.reconciling import plan_transcription, reconcile
from connector.visit.webhooks import HEADER, can_be_reached
from tests.wire.web.conftest import Seat, Site, open_site
from tests.wire.web.test_taking_transcripts import visit_of
from tests.wire.web.vendor_world import World, captured, open_world

HEARD = visit_of(load_recording("billie"))
TOLD = b'{"transcript_id": "job-1", "status": "completed"}'


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site, webhooks="on") as one:
        yield one


async def planned(world: World, site: Site) -> tuple[Seat, str]:
    """A visit whose transcription is planned, and its row's key."""
    seat = await captured(world, site, lasts_ms=round(HEARD["audio_duration"] * 1000))
    world.seats.append(seat)
    with narrowed(Reach(visit_id=seat.visit_id)):
        await plan_transcription(world.parts, seat.visit_id)
    return seat, (await world.parts.jobs.of_visit(seat.visit_id))[0].job_key


async def submitted(world: World, site: Site) -> tuple[Seat, str, str]:
    """The same once the vendor has the job; and the secret it was told."""
    seat, key = await planned(world, site)
    await reconcile(world.parts, world.now)
    body = list(world.vendor.jobs.values())[-1].body
    assert body["webhook_url"].endswith(f"/hooks/assemblyai/{key}")
    assert body["webhook_auth_header_name"] == HEADER
    return seat, key, body["webhook_auth_header_value"]


async def call(site: Site, key: str, *secrets: str | bytes, body: bytes = TOLD) -> int:
    headers = [(HEADER.encode(), one if isinstance(one, bytes) else one.encode()) for one in secrets]
    headers.append((b"content-type", b"application/json"))
    answer = await site.client.post(f"/hooks/assemblyai/{key}", content=body, headers=headers)
    assert answer.content == b"", "nothing is told"
    return answer.status_code


async def inbox_of(parts: Parts, key: str) -> list[object]:
    table = schema.webhook_inbox
    async with parts.visits.engine.connect() as connection:
        return list(await connection.execute(select(table.c.status, table.c.handled_at).where(table.c.job_key == key)))


async def look_at(world: World, seat: Seat) -> object:
    return (await world.parts.jobs.of_visit(seat.visit_id))[0].look_at


async def test_c01_a_forged_changed_empty_or_doubled_secret_is_refused(world: World, site: Site) -> None:
    seat, key, secret = await submitted(world, site)
    due = await look_at(world, seat)
    wrong = [secret[:-1] + ("A" if secret[-1] != "A" else "B"), secret[:-1], secret + "x", "", f" {secret[1:]}", "é"]
    for one in (*wrong, b"\xff\xfe", secret.swapcase()):
        assert await call(site, key, one) == 401, one
    assert await call(site, key) == 401
    assert await call(site, key, secret, secret) == 401
    assert await call(site, key, secret, "x") == 401
    for other in ("0" * 32, key.upper() + "0", key[:-1]):
        assert await call(site, other, secret) == 401
    assert await inbox_of(world.parts, key) == [] and await look_at(world, seat) == due
    assert await call(site, key, secret) == 204


async def test_c01_a_job_nobody_knows_is_compared_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as a known one: the time tells nothing."""
    import hmac

    compared: list[object] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(len(b)) or real(a, b))
    assert not await world.parts.inbox.is_authentic("0" * 32, b"x")
    assert compared == [64, 64]


async def test_c02_an_exact_replay_changes_nothing(world: World, site: Site) -> None:
    """A call that is older than five minutes, or of the future, cannot be told: the vendor sends no time with it."""
    seat, key, secret = await submitted(world, site)
    await call(site, key, secret)
    world.now = site.parts.clock() + timedelta(seconds=1)
    await reconcile(world.parts, world.now)
    handled, due = await inbox_of(world.parts, key), await look_at(world, seat)
    assert [row.handled_at is not None for row in handled] == [True]
    for _ in range(5):
        assert await call(site, key, secret) == 204
    assert await inbox_of(world.parts, key) == handled and await look_at(world, seat) == due


async def test_c03_a_webhook_that_comes_before_the_jobs_id_is_committed_is_taken(world: World, site: Site) -> None:
    """The answer to the submit was lost: nobody here knows the job yet."""
    _, key = await planned(world, site)
    world.vendor.strike("POST /v2/transcript", lost=True)
    world.vendor.strike("GET /v2/transcript", 503)
    await reconcile(world.parts, world.now)
    assert (await job(world, key)).job_id is None
    (body,) = [one.body for one in world.vendor.jobs.values()]
    assert await call(site, key, body["webhook_auth_header_value"]) == 204
    world.vendor.finish(HEARD)
    world.now = site.parts.clock() + timedelta(seconds=1)
    await reconcile(world.parts, world.now)
    assert (await job(world, key)).job_id == "job-1"


async def job(world: World, key: str) -> object:
    found = [one for seat in world.seats for one in await world.parts.jobs.of_visit(seat.visit_id)]
    return next(one for one in found if one.job_key == key)


async def test_c04_a_webhook_that_never_comes_costs_a_poll(world: World, site: Site) -> None:
    seat, _, _ = await submitted(world, site)
    world.vendor.finish(HEARD)
    world.now += timedelta(seconds=world.parts.policy.transcription_poll_interval)
    await reconcile(world.parts, world.now)
    assert await world.parts.visits.latest(seat.visit_id, Transcript) is not None


async def test_c03_a_webhook_that_came_before_the_job_had_ended_is_followed_soon_and_by_few_looks(
    world: World, site: Site
) -> None:
    """The call that is true says the same in the same words: it is a replay, and no poll is due for an hour."""
    world.parts = replace(world.parts, policy=replace(world.parts.policy, transcription_poll_interval=3600.0))
    seat, key, secret = await submitted(world, site)
    world.now = site.parts.clock()
    assert await call(site, key, secret) == 204
    told_at, looks = world.now, 0
    while world.now < told_at + timedelta(minutes=10):
        await reconcile(world.parts, world.now)
        looks, world.now = looks + 1, (await job(world, key)).look_at
    assert 8 <= looks <= 12
    world.vendor.finish(HEARD)
    assert await call(site, key, secret) == 204
    assert world.now < told_at + timedelta(minutes=20)
    await reconcile(world.parts, world.now)
    assert await world.parts.visits.latest(seat.visit_id, Transcript) is not None


async def test_c05_late_duplicate_and_after_the_end_nothing_goes_back(world: World, site: Site) -> None:
    seat, key, secret = await submitted(world, site)
    world.vendor.finish(HEARD)
    assert await call(site, key, secret) == 204
    await reconcile(world.parts, site.parts.clock() + timedelta(seconds=1))
    assert (await world.parts.visits.row(seat.visit_id)).state == "TRANSCRIBED"
    for body in (TOLD, b'{"transcript_id":"job-1","status":"error"}', b'{"status":"redacted_audio_ready"}'):
        assert await call(site, key, secret, body=body) == 204
    assert await reconcile(world.parts, site.parts.clock() + timedelta(hours=1)) == 0
    assert (await job(world, key)).state == "done"
    assert len(await world.parts.visits.history(seat.visit_id, Transcript)) == 1


async def test_c06_the_secret_of_one_job_opens_no_other(world: World, site: Site) -> None:
    _, first, own = await submitted(world, site)
    other, second, others = await submitted(world, site)
    due = await look_at(world, other)
    assert own != others
    assert await call(site, second, own) == 401
    assert await call(site, first, others) == 401
    assert await look_at(world, other) == due


async def test_c08_what_a_body_says_is_never_believed(world: World, site: Site) -> None:
    seat, key, secret = await submitted(world, site)
    lies = b'{"transcript_id": "job-9", "status": "completed", "text": "Zebulon Quixley", "id": "job-9"}'
    for body in (lies, b'{"transcript_id": "job-1", "status": "error"}', b"not json", b"", b"x" * 200_000):
        assert await call(site, key, secret, body=body) == 204
    world.now = site.parts.clock() + timedelta(seconds=1)
    await reconcile(world.parts, world.now)
    row = await world.parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("CAPTURED", None), "the vendor says it is under way"
    assert (await job(world, key)).job_id == "job-1"
    assert {row.status for row in await inbox_of(world.parts, key)} == {"received"}


async def test_c10_both_secrets_of_a_job_sent_twice_are_live_and_an_older_one_is_not(world: World, site: Site) -> None:
    _, key = await planned(world, site)
    for secret in ("first", "second", "third"):
        await world.parts.jobs.keep_secret(key, hash_secret(secret.encode()))
    assert await call(site, key, "first") == 401
    assert await call(site, key, "second") == 204
    assert await call(site, key, "third", body=b"another") == 204


async def test_c10_a_flood_is_bounded_and_answered(world: World, site: Site) -> None:
    """Every call before the vendor gives up on it, which is after ten seconds."""
    seat, key, secret = await submitted(world, site)

    async def one(number: int) -> None:
        async with asyncio.timeout(10):
            assert await call(site, key, secret, body=b"%d" % number) == 204

    for start in range(0, 200, 10):
        await asyncio.gather(*(one(start + number) for number in range(10)))
    assert len(await inbox_of(world.parts, key)) <= MOST_OF_A_JOB + 10
    assert await look_at(world, seat) <= site.parts.clock()


async def test_c10_where_too_much_waits_the_vendor_is_asked_to_come_again(world: World, site: Site) -> None:
    _, key, secret = await submitted(world, site)
    full = replace(site.parts, inbox=WebhookInbox(site.parts.visits.engine, most_in_all=0))
    async with open_site(full) as crowded:
        assert await call(crowded, key, secret) == 503
    assert await inbox_of(world.parts, key) == []
    assert await call(site, key, secret) == 204


async def test_what_came_is_forgotten_after_a_day(world: World, site: Site) -> None:
    _, key, secret = await submitted(world, site)
    await call(site, key, secret)
    inbox = WebhookInbox(world.parts.visits.engine)
    await inbox.forget(before=site.parts.clock() - timedelta(hours=1))
    assert len(await inbox_of(world.parts, key)) == 1
    await inbox.forget(before=site.parts.clock() + timedelta(hours=1))
    assert await inbox_of(world.parts, key) == []


async def test_without_a_reachable_address_no_webhook_is_asked_for(world: World, site: Site) -> None:
    world.parts = replace(world.parts, policy=replace(world.parts.policy, webhooks="auto"))
    await planned(world, site)
    await reconcile(world.parts, world.now)
    assert "webhook_url" not in list(world.vendor.jobs.values())[-1].body


@pytest.mark.parametrize(
    ("setting", "address", "asked"),
    [
        ("auto", "https://scribe.example.org", True),
        ("auto", "http://127.0.0.1:8000", False),
        ("auto", "https://localhost", False),
        ("auto", "https://scribe.clinic.internal", False),
        ("auto", "https://scribe", False),
        ("auto", "https://10.1.2.3", False),
        ("off", "https://scribe.example.org", False),
        ("on", "http://127.0.0.1:8000", True),
    ],
)
def test_the_vendor_is_asked_to_call_only_where_it_can(site: Site, setting: str, address: str, asked: bool) -> None:
    assert can_be_reached(replace(site.parts.policy, webhooks=setting, public_base_url=address)) is asked
