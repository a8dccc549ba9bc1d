"""The page on which a person watches what the vendor holds, and watches it go."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup
from connector_sandbox.assemblyai.jobs_page import MOST_ROWS, Row, Table, make_tables, print_page
from connector_sandbox.assemblyai.parts import KeptCompletion, build_sandbox
from connector_sandbox.assemblyai.settings import Controls, SandboxSettings

from tests.fixtures.assemblyai import run_process
from tests.wire.sandbox_assemblyai.conftest import Vendor

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FORMAT = {"type": "json_schema", "json_schema": {"name": "note", "schema": {"type": "object"}}}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """A sandbox that nobody else writes to."""
    state = tmp_path_factory.mktemp("page")
    with (
        run_process(state, "--queue-seconds", "0.05", "--process-seconds", "0.05") as base,
        httpx.Client(base_url=base, headers={"authorization": "a-key"}, timeout=30, trust_env=False) as client,
    ):
        yield Vendor(client)


def read_page(vendor: Vendor) -> BeautifulSoup:
    answer = httpx.get(f"{vendor.client.base_url}/sandbox/jobs", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    page = BeautifulSoup(answer.text, "html.parser")
    assert [one.name for one in page.body.find_all(True, recursive=False)] == ["main"]
    return page


def rows_of(page: BeautifulSoup, key: str) -> list[tuple[str, str, str]]:
    """Of each line of a table: its class, its first and its last cell."""
    table = page.find("table", attrs={"aria-labelledby": key})
    lines = table.tbody.find_all("tr") if table else []
    return [
        (line["class"][0], *(line.find_all("td")[place].get_text(strip=True) for place in (0, -1))) for line in lines
    ]


def summary(page: BeautifulSoup) -> str:
    return str(page.find(attrs={"role": "status"}).get_text())


def test_a_deletion_can_be_watched(alone, visit) -> None:
    assert summary(read_page(alone)) == (
        "Held now: 0 of 0 uploads, 0 of 0 transcripts, 0 of 0 redacted recordings, 0 of 0 completions."
    )
    job = alone.transcribe(visit, redact_pii=True, redact_pii_policies=["drug"], redact_pii_audio=True)
    completion = alone.client.post(
        "/v1/chat/completions",
        json={
            "model": "claude-sonnet-4-6",
            "messages": [{"role": "user", "content": "x"}],
            "response_format": FORMAT,
        },
    )
    assert completion.status_code == 400  # no visit to draft from: nothing is kept, and nothing listed
    page = read_page(alone)
    assert page.find("meta", attrs={"http-equiv": "refresh"})["content"] == "2"
    assert rows_of(page, "transcripts") == [("here", job["id"], "held")]
    assert [line[0] for line in rows_of(page, "uploads")] == ["here"]
    assert len(rows_of(page, "redacted")) == 1
    assert rows_of(page, "completions") == []
    assert not any(word["text"] in page.get_text() for word in job["words"] if len(word["text"]) > 7)
    alone.client.delete(f"/v2/transcript/{job['id']}")
    page = read_page(alone)
    ((kind, name, state),) = rows_of(page, "transcripts")
    assert (kind, name) == ("gone", job["id"])
    assert state.startswith("deleted ")
    assert state.endswith(" s ago")
    assert [line[0] for line in rows_of(page, "uploads")] == ["gone"]
    assert [line[0] for line in rows_of(page, "redacted")] == ["gone"]
    assert summary(page).startswith("Held now: 0 of 1 uploads, 0 of 1 transcripts, 0 of 1 redacted recordings")


def test_the_page_meets_no_fault_and_stands_in_no_journal(alone) -> None:
    alone.client.delete("/sandbox/requests")
    alone.client.post("/sandbox/faults", json=[{"kind": "status", "times": None}])
    read_page(alone)
    alone.client.delete("/sandbox/faults")
    assert alone.client.get("/sandbox/requests").json() == {"requests": []}


def test_what_was_sent_is_escaped(alone) -> None:
    address = "http://127.0.0.1:9/<script>alert(1)</script>/x"
    assert alone.submit(audio_url=f"{address}'\"<b>").status_code == 200
    answer = httpx.get(f"{alone.client.base_url}/sandbox/jobs", trust_env=False)
    assert "<script" not in answer.text
    assert "<b>" not in answer.text
    assert "&lt;" in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def make(tmp_path: Any, **completions: KeptCompletion) -> list[Table]:
    sandbox = build_sandbox(SandboxSettings(state=tmp_path), controls=Controls())
    sandbox.completions.update(completions)
    return make_tables(sandbox, now=NOW)


@pytest.mark.parametrize(
    ("age", "shown"),
    [(0, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (172_800, "2 d ago")],
)
def test_ages_are_told_in_the_unit_that_fits(tmp_path, age, shown) -> None:
    kept = KeptCompletion("project", "sandbox-offline-drafter", NOW - timedelta(seconds=age))
    held, gone = make(tmp_path, one=kept, two=replace(kept, gone=NOW - timedelta(seconds=age)))[-1].rows[::-1]
    assert held == Row(("one", "project", "sandbox-offline-drafter", shown, "held"), gone=False)
    assert gone.cells[-1] == f"deleted {shown}"


def test_of_many_the_newest_are_shown_and_all_are_counted(tmp_path) -> None:
    many = {str(uuid.uuid4()): KeptCompletion("project", "m", NOW) for _ in range(MOST_ROWS + 5)}
    tables = make(tmp_path, **many)
    assert (len(tables[-1].rows), tables[-1].left_out, tables[-1].held) == (MOST_ROWS, 5, MOST_ROWS + 5)
    assert tables[-1].rows[0].cells[0] == list(many)[-1]
    page = print_page(tables)
    assert "5 older ones are not shown." in page
    assert f"{MOST_ROWS + 5} of {MOST_ROWS + 5} completions" in page
