"""An answer is read by what was really sent, whatever chart, consent and settings say when it comes."""

from __future__ import annotations

from dataclasses import replace

from connector.store.jobs import PLANNED, VendorJob
from connector.visit.asking import ask_for, recall_asking
from connector.visit.parts import Parts
from tests.unit.web import samples
from tests.wire.web.conftest import Site


def under(parts: Parts, **policy: object) -> Parts:
    """The same parts under other settings."""
    return replace(parts, policy=replace(parts.policy, **policy))


async def planned(site: Site) -> str:
    """A visit whose recording is to be transcribed."""
    seat = await site.seat(samples.consent(), samples.recording(), state="CAPTURED")
    now = site.parts.clock()
    job = VendorJob(site.parts.new_id(), seat.visit_id, "r1", PLANNED, None, now, None, now, None, 0, 0)
    async with site.parts.visits.engine.begin() as connection:
        await site.parts.jobs.plan(connection, job)
    return seat.visit_id


async def test_language_domain_and_warnings_are_those_of_the_job_that_was_sent(site: Site) -> None:
    visit_id = await planned(site)
    polish, spanish = under(site.parts, speech_language="pl"), under(site.parts, speech_language="es")
    assert (await recall_asking(spanish, visit_id)).options.language == "es"
    sent = await ask_for(polish, visit_id)
    await polish.jobs.keep_asked(visit_id, sent.told())
    recalled = await recall_asking(spanish, visit_id)
    assert (recalled.options.language, recalled.options.domain) == ("pl", None)
    assert recalled.notes == sent.notes != ()


async def test_nothing_of_a_patient_is_kept_with_the_job(site: Site) -> None:
    visit_id = await planned(site)
    asking = await ask_for(under(site.parts, speech_by_name=True), visit_id)
    assert "Billie Waters" in asking.options.told_apart_by
    await site.parts.jobs.keep_asked(visit_id, asking.told())
    assert "Waters" not in str(await site.parts.jobs.asked(visit_id))


async def test_a_chart_that_changes_its_language_since_changes_nothing(site: Site) -> None:
    visit_id = await planned(site)
    await site.parts.jobs.keep_asked(visit_id, (await ask_for(site.parts, visit_id)).told())
    before = await recall_asking(site.parts, visit_id)
    context = samples.context()
    person = replace(context.patient.items[0], language="en")
    charted = replace(context, patient=replace(context.patient, items=(person,)))
    row = await site.parts.visits.row(visit_id)
    async with site.parts.visits.engine.begin() as connection:
        await site.parts.visits.append_record(connection, row.visit_id, charted, at=site.parts.clock())
    assert (await ask_for(site.parts, visit_id)).options.language == "en"
    assert (await recall_asking(site.parts, visit_id)).options.language == before.options.language is None
