"""What `connector doctor` says of agreements, retention, redaction, sweeps and owed deletions, good and bad."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connector.assets.catalogue import load_mapping
from connector.examining import (
    Finding,
    examine,
    examine_agreements,
    examine_owed,
    examine_retention,
    examine_sweep,
    tell_unknown,
)
from connector.settings import Settings, unknown_variables
from connector.store import schema
from connector.visit.sweeping import NAME, sweep_vendor
from connector.visit.vendor_copies import begin_copy
from tests.fixtures.assemblyai import run_process
from tests.wire.web.conftest import Site
from tests.wire.web.vendor_world import World, captured, hold, open_world, run_job

REAL: dict[str, Any] = {
    "assemblyai_base_url": "https://api.eu.assemblyai.com",
    "gateway_base_url": "https://llm-gateway.eu.assemblyai.com/v1",
    "speech_baa": "BAA 12",
    "speech_baa_date": date(2026, 1, 31),
    "gateway_baa": "BAA 12",
    "gateway_baa_date": date(2026, 1, 31),
    "covered_models": ("claude-sonnet-4-6",),
}


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    """A world in which nothing was ever swept and nothing is held."""
    async with site.parts.visits.engine.begin() as connection:
        await connection.execute(schema.sweeps.delete())
        await connection.execute(schema.vendor_copies.delete())
    async with open_world(site) as one:
        yield one


def texts(findings: list[Finding]) -> list[str]:
    return [one.text for one in findings]


def marks(findings: list[Finding]) -> str:
    """A letter each: g good, n noted, m to mend."""
    return "".join("n" if one.noted else "g" if one.good else "m" for one in findings)


def test_agreements_are_told_with_reference_and_day_and_what_they_count_for() -> None:
    on = examine_agreements(Settings(**REAL, phi_mode=True))
    assert texts(on) == [
        "PHI mode: on",
        "PHI mode, transcription service: agreement BAA 12 of 31 Jan 2026",
        "PHI mode, language model service: agreement BAA 12 of 31 Jan 2026",
    ]
    off = examine_agreements(Settings(**REAL))
    assert off[0].text.startswith("PHI mode: off: every page says that it is for synthetic data only")
    assert off[1].text.endswith("of 31 Jan 2026, which counts once PHI mode is on")
    bare = examine_agreements(Settings(**{**REAL, "speech_baa": None}))
    assert bare[1].text.endswith("no agreement on health data (BAA) is recorded")
    assert examine_agreements(Settings(assemblyai_base_url="http://127.0.0.1:1"))[1].text.endswith(
        "no agreement is needed"
    )
    assert marks(on + off + bare) == "g" * 9


def test_every_agreement_that_is_missing_is_told_at_once() -> None:
    wrong = {**REAL, "speech_baa": None, "covered_models": ()}
    found = examine_agreements(Settings(**wrong, phi_mode=True))
    assert marks(found) == "gmm"
    assert "CONNECTOR_SPEECH_BAA" in found[1].text and "CONNECTOR_COVERED_MODELS" in found[2].text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ("European Union, under an agreement", "transcripts within 72 hours", "Anthropic|Claude")),
        ({"speech_baa": None}, ("European Union, without an agreement", "transcripts never", "Under the agreement")),
        ({"speech_baa_date": None}, ("European Union, without an agreement", "transcripts never")),
        ({"speech_baa_date": date(2999, 1, 1)}, ("without an agreement", "recordings within 48 hours")),
        ({"gateway_baa": None}, ("European Union, under an agreement", "transcripts within 72 hours", "not told")),
        (
            {"assemblyai_base_url": "https://api.assemblyai.com", "speech_baa": " ", "gateway_baa_date": None},
            ("United States, without an agreement", "redacted recordings within 24 hours", "not told"),
        ),
        ({"gateway_kind": "openai"}, ("under an agreement", "recordings within 72 hours", "another service")),
    ],
)
def test_retention_is_told_for_the_region_and_the_contract_in_force(
    changes: dict[str, Any], told: tuple[str, ...]
) -> None:
    """An agreement without its day, or with one that lies ahead, is none."""
    (found,) = examine_retention(Settings(**{**REAL, **changes}))
    assert all(any(word in found.text for word in one.split("|")) for one in told), found.text
    day = date.fromisoformat(load_mapping("vendor-retention.yaml")["as_of"])
    assert f"as of {day.day} {day:%b} {day.year}, checked by nobody" in found.text
    assert found.good and "sandbox" not in found.text


async def test_a_sweep_that_never_ended_is_no_sweep(world: World) -> None:
    (found,) = await examine_sweep(world.parts)
    assert found.noted and "not come to its end yet" in found.text and "`connector worker`" in found.text


async def test_a_sweep_of_before_the_upgrade_is_told_by_when_it_began(world: World) -> None:
    """Only its claim is known: how it ended was not kept then."""
    assert await world.parts.sweeps.claim(NAME, at=world.now, every=timedelta(days=1))
    world.pass_hours(20)
    (found,) = await examine_sweep(world.parts)
    assert f"the last one began {world.now - timedelta(hours=20):%Y-%m-%d %H:%M} UTC (20 hours ago)" in found.text
    assert (found.good, found.noted) == (True, True) and "first start" not in found.text
    world.pass_hours(29)
    (found,) = await examine_sweep(world.parts)
    assert not found.good and found.text.endswith("None has run since: is `connector worker` running?")


async def test_the_last_whole_sweep_is_told_with_what_it_found(world: World) -> None:
    run_job(world, "job-foreign", "theirs", hours_ago=40)
    await sweep_vendor(world.parts)
    world.pass_hours(5)
    (found,) = await examine_sweep(world.parts)
    assert f"last ended {world.now - timedelta(hours=5):%Y-%m-%d %H:%M} UTC (5 hours ago)" in found.text
    assert "1 job at the transcription service looked at, 0 deleted, 1 job left that nobody here knows" in found.text
    assert found.noted and "CONNECTOR_VENDOR_PROJECT_IS_OURS" in found.text
    world.vendor.jobs.clear()
    world.pass_hours(20)
    await sweep_vendor(world.parts)
    (found,) = await examine_sweep(world.parts)
    assert (found.good, found.noted) == (True, False) and "0 jobs" in found.text and "left" not in found.text


async def test_a_sweep_that_failed_is_not_told_as_one_that_ended(world: World) -> None:
    await sweep_vendor(world.parts)
    world.pass_hours(24)
    world.vendor.strike("GET /v2/transcript", 503)
    await sweep_vendor(world.parts)
    (found,) = await examine_sweep(world.parts)
    assert found.noted and "last ended" in found.text and "(1 day ago)" in found.text
    assert "The last try" in found.text and "could not read the vendor's list" in found.text
    world.pass_hours(1.1)
    await sweep_vendor(world.parts)
    (found,) = await examine_sweep(world.parts)
    assert not found.noted and "The last try" not in found.text


async def test_sweeps_that_stay_away_are_to_be_mended(world: World) -> None:
    await sweep_vendor(world.parts)
    world.pass_hours(49)
    (found,) = await examine_sweep(world.parts)
    assert not found.good and found.text.endswith("None has run since: is `connector worker` running?")


async def test_what_is_owed_is_counted_and_what_nobody_can_ask_for_stands_apart(world: World, site: Site) -> None:
    assert texts(await examine_owed(world.parts)) == ["Deletions owed: none"]
    seat = await captured(world, site, state="TRANSCRIBED")
    other = await captured(world, site, state="TRANSCRIBED")
    await hold(world, seat, "transcript", "job-1")
    await hold(world, seat, "completion", "draft-1")
    await hold(world, other, "transcript", "job-2")
    await hold(world, other, "kept-draft", "chatcmpl-1")
    (owed,) = await examine_owed(world.parts)
    assert owed.text.startswith("Deletions owed: 3 copies of 2 visits") and not owed.noted
    world.pass_hours(24 * 3)
    (owed,) = await examine_owed(world.parts)
    assert owed.noted and "(3 days ago)" in owed.text and "`vendor-unavailable`" in owed.text

    await begin_copy(world.parts, other.visit_id, "completion")
    _, lost = await examine_owed(world.parts)
    assert lost.good and lost.noted
    assert "1 copy may be at vendors, nobody says how long" in lost.text and "not called deleted" in lost.text
    await hold(world, other, "upload", "idle")
    for copy in await world.parts.ledger.copies(other.visit_id):
        if copy.kind == "upload":
            await world.parts.ledger.update_copy(replace(copy, expires_at=world.now))
    owed, lost = await examine_owed(world.parts)
    assert owed.text.startswith("Deletions owed: 3 copies of 2 visits")
    assert "2 copies may be at vendors, 1 of them until the vendor's own rule ends them" in lost.text


async def test_a_mistake_is_told_once_and_the_database_is_not_blamed_for_it(
    product_settings: Settings, tmp_path: Path
) -> None:
    with run_process(tmp_path) as base:
        given = {"assemblyai_base_url": base, "gateway_base_url": f"{base}/v1", "assemblyai_api_key": SecretStr("k")}
        given |= {"state_folder": product_settings.state_folder, "redaction_policies": ("person_nam",)}
        given |= {"registrations_folder": product_settings.registrations_folder}
        found = await examine(Settings(**given, gateway_model="claude-nine"))
    wrong = [one.text for one in found if not one.good]
    assert [one for one in wrong if "person_nam" in one] == [one for one in wrong if one.startswith("Redacted copies")]
    assert len([one for one in wrong if one.startswith("Redacted copies")]) == 1
    assert any(one.startswith("Language models: claude-nine is not among the models") for one in wrong)
    (database,) = [one for one in found if one.text.startswith("Database and master key")]
    assert database.noted and "not looked at" in database.text


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_was_meant() -> None:
    environment = {
        "CONNECTOR_ASEMBLYAI_API_KEY": "k",
        "CONNECTOR_PHI_MODE": "true",
        "CONNECTOR_UPLOAD_CODE": "c",
        "CONNECTOR_X": "1",
        "PATH": "/",
    }
    found = unknown_variables(environment)
    assert found == {"CONNECTOR_ASEMBLYAI_API_KEY": "CONNECTOR_ASSEMBLYAI_API_KEY", "CONNECTOR_X": None}
    told = [tell_unknown(name, near) for name, near in found.items()]
    assert all(one.noted for one in told)
    assert told[0].text.endswith("changes nothing. Is CONNECTOR_ASSEMBLYAI_API_KEY meant?")
