"""The text of the last signed note: inline or by one read, plain text or markup, never more than wanted."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from connector.context.answer import FhirAnswer
from connector.context.notes import TEXT_CUT, TEXT_UNREAD, read_attachment, read_notes
from connector.context.searchset import Found
from connector.records import PriorNote, Section, SectionState
from tests.fixtures.charts import note

BASE = "https://ehr.example.org/fhir"
PAGE = (
    "<html><head><title>t</title><style>p{}</style></head><body><h1>Plan</h1>"
    "<p>BP <b>128/82</b>&nbsp;mmHg<br/>ok</p><script>alert(1)</script></body></html>"
)


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def read(chart: Any, *resources: dict[str, Any], **changes: Any) -> Section[PriorNote]:
    reader = replace(chart.reader(), **changes)
    return await read_notes(reader, Found(SectionState.OK, resources), patient="Patient/p", most=1000)


async def test_markup_becomes_lines(chart: Any) -> None:
    (one,) = (await read(chart, note("1", "p", "2026-11-01", "final", html=PAGE))).items
    assert one.text == "Plan\nBP 128/82 mmHg\nok"


@pytest.mark.parametrize("url", ["Binary/b1", f"{BASE}/Binary/b1"])
async def test_a_text_that_lies_elsewhere_in_the_ehr_is_read_once(chart: Any, url: str) -> None:
    chart.add({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": packed("Homework: walk.")})
    section = await read(chart, note("1", "p", "2026-11-01", "final", url=url))
    assert section.items[0].text == "Homework: walk."
    assert [path for path, _ in chart.requests] == ["Binary/b1"]


@pytest.mark.parametrize("url", ["https://elsewhere.example/fhir/Binary/b1", "Patient/p", "../Binary/b1", "urn:uuid:1"])
async def test_a_text_on_another_server_is_not_fetched(chart: Any, url: str) -> None:
    section = await read(chart, note("1", "p", "2026-11-01", "final", url=url))
    assert (section.state, section.detail, chart.requests) == (SectionState.PARTIAL, TEXT_UNREAD, [])


async def test_a_text_that_was_not_granted_is_not_asked_for(chart: Any) -> None:
    chart.add({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": packed("x")})
    kept = note("1", "p", "2026-11-01", "final", url="Binary/b1")
    section = await read(chart, kept, allowed=lambda kind, letter, category: kind != "Binary")
    assert (section.detail, chart.requests) == (TEXT_UNREAD, [])


async def test_a_text_that_cannot_be_read_leaves_the_titles(chart: Any) -> None:
    chart.script("Binary/b1", FhirAnswer(200, None, "not-json"))
    section = await read(chart, note("1", "p", "2026-11-01", "final", url="Binary/b1"))
    assert (section.state, section.detail) == (SectionState.PARTIAL, TEXT_UNREAD)
    assert section.items[0].title == "Progress note"


async def test_a_note_that_is_no_longer_true_is_left_out(chart: Any) -> None:
    superseded = {**note("1", "p", "2026-11-01", "final", text="x"), "status": "superseded"}
    mistaken = note("2", "p", "2026-11-01", "entered-in-error", text="x")
    section = await read(chart, superseded, mistaken)
    assert (section.state, section.dropped, section.items) == (SectionState.EMPTY, 2, ())


async def test_a_long_note_is_cut_and_says_so(chart: Any) -> None:
    section = await read(chart, note("1", "p", "2026-11-01", "final", text="word " * 1000))
    assert (section.state, section.detail) == (SectionState.PARTIAL, TEXT_CUT)
    assert 900 < len(section.items[0].text or "") <= 1002


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (packed("a\r\nb\x00\x1b[2Jc"), "text/plain", "a\nb[2Jc"),
        (base64.b64encode("Müdigkeit".encode("latin-1")).decode(), "text/plain; charset=ISO-8859-1", "Müdigkeit"),
        ("****", "text/plain", None),
        (packed("x"), "application/pdf", None),
        (packed("   "), "text/plain", None),
        (17, "text/plain", None),
        (packed("x"), None, None),
    ],
)
def test_an_attachment_is_read_as_plain_lines_or_not_at_all(data: Any, kind: Any, text: str | None) -> None:
    found = read_attachment(data, kind, most=4000)
    assert (found.text if found else None) == text


def test_no_line_is_lost_for_being_long() -> None:
    found = read_attachment(packed("x" * 2500), "text/plain;charset=utf-8", most=4000)
    assert found is not None and found.text.replace("\n", "") == "x" * 2500
