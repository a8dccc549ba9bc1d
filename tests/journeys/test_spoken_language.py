"""A transcript in another language: one answer, and the note is of the words in the language that was spoken."""

from __future__ import annotations

from tests.builders import recording_bytes
from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.visits import PAGE, Clinic
from tests.fixtures.waiting import await_attention


def test_a_language_the_recogniser_names_by_itself_is_asked_about_and_the_sites_own_can_be_chosen(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    vendor.strike("other_language", method="POST", path="^/v2/transcript$")
    visit.consent()
    visit.upload(recording_bytes("billie"))
    await_attention(visit, "doubtful")
    assert '<option value="es" selected>Spanish</option>' in visit.client.get(visit.base, headers=PAGE).text
    assert visit.post("/doubts", form={"answer": "transcribe-again", "language": "en"}).status_code == 200
    visit.await_state("DRAFTED")
    visit.await_deletion()
    assert len(vendor.jobs()) == 2 and vendor.holds_nothing()
