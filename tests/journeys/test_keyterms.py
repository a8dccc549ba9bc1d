"""The names that leave the building: what the vendor was asked is what the review page shows, word for word."""

from __future__ import annotations

from bs4 import BeautifulSoup
from connector_sandbox.clinician import OpenVisit

from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.visits import PAGE, Clinic, problem_of, record


def look(visit: OpenVisit, path: str = "") -> BeautifulSoup:
    """A page of the visit."""
    answer = visit.client.get(f"{visit.base}{path}", headers=PAGE)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def asked(vendor: SandboxVendor) -> list[list[str]]:
    """The names of each transcription the vendor was asked for, from its journal."""
    sent = [one for one in vendor.requests() if (one["method"], one["path"]) == ("POST", "/v2/transcript")]
    return [one["json"]["keyterms_prompt"] for one in sent]


def test_exactly_the_names_the_vendor_was_sent_are_shown_on_the_review_page(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit("chasidy"))
    for change in ({"add": "Lakeside Heart"}, {"add": "Prograf XL", "instead": "tacrolimus"}, {"remove": "latex"}):
        assert visit.post("/keyterms", json=change).status_code == 200
    offered = [one["data-term"] for one in look(visit, "/knows").select("[data-term]")]
    assert asked(vendor) == [], "nothing leaves before there is a recording"
    record(visit, "chasidy")
    visit.await_state("DRAFTED")

    (sent,) = asked(vendor)
    assert {"Lakeside Heart", "Prograf XL"} <= set(sent) and not {"tacrolimus", "latex"} & set(sent)
    review = look(visit)
    assert review.select_one("h1").get_text() == "Review the note"
    shown = [one.get_text() for one in review.select("#sent-1 .terms li")]
    assert sorted(shown) == sorted(sent) and len(set(shown)) == len(shown) == len(sent)
    assert f"{len(sent)} names were sent" in review.select_one("#sent-1 summary").get_text()
    assert review.select_one("#sent-2") is None
    assert [one["text"] for one in visit.context()["keyterms"]] == sent
    knows = look(visit, "/knows")
    assert sorted(one["data-term"] for one in knows.select("[data-term]")) == sorted(sent)
    assert not knows.select('form[action$="/keyterms"]')
    problem_of(visit.post("/keyterms", json={"add": "too late"}), status=409, slug="conflict")
    assert set(sent) >= {"Lakeside Heart", "Prograf XL"} and set(offered) - set(sent) == set()


def test_a_typed_visit_sends_no_names(clinic: Clinic, chart: Chart, vendor: SandboxVendor) -> None:
    visit = clinic.typed(chart.admit("billie"))
    assert asked(vendor) == []
    assert look(visit).select_one("#sent-1") is None
    assert "None of these left for a recogniser." in look(visit, "/knows").select_one("#terms").get_text()
