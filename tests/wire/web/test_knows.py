"""The page "What the scribe knows", through the application: every state of a part, names, and who may change them."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup, Tag

from connector.context.chart import LATER_SECTIONS, SECTIONS
from connector.records import (
    Allergy,
    Keyterm,
    KeytermEdit,
    Launch,
    LeftOut,
    Medication,
    PatientContext,
    Section,
    SectionState,
    Source,
    SpeechHints,
    Withheld,
)
from connector.store.visits import Numbered, Step
from connector.visit.priming import prepare_hints
from connector.visit.transcription import keep_sent
from connector.web.reading import settle
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site, open_site

HOSTILE = '"><script>pwn(1)</script><img src=x onerror=pwn(2)>{{ 7 * 7 }}'


async def fetch(site: Site, seat: Seat) -> httpx.Response:
    answer = await site.client.get(f"{seat.path}/knows", headers={**PAGE, **seat.cookie})
    assert answer.status_code == 200, answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]
    return answer


async def page_of(site: Site, seat: Seat) -> BeautifulSoup:
    """The page as it is served; nothing of the chart is read behind it, there being no EHR."""
    return BeautifulSoup((await fetch(site, seat)).text, "html.parser")


def whole(**sections: Section[Any]) -> PatientContext:
    """A chart that was read to its end, these sections otherwise."""
    read = dict.fromkeys(LATER_SECTIONS, Section(SectionState.EMPTY))
    return replace(samples.context(), **(read | sections))


async def keep(site: Site, seat: Seat, *records: object, state: str = "PRIMED") -> None:
    """These records instead of the newest of their kinds."""
    visits, numbered = site.parts.visits, []
    async with visits.engine.connect() as connection:
        for record in records:
            number = await visits.newest_number(connection, seat.visit_id, type(record))
            numbered.append(Numbered(record, number + 1))
    row = await visits.row(seat.visit_id)
    at = site.parts.clock()
    await visits.commit(Step(seat.visit_id, (row.state,), state, "visit.test", "system", at, records=numbered))


def text_of(part: Tag | None) -> str:
    assert part is not None
    return " ".join(part.get_text().split())


ALLERGY = Allergy(Source("AllergyIntolerance/3", "2"), "Fish", ("hives",), "high")
PARTS: dict[str, tuple[Section[Any], str, str]] = {
    "ok": (Section(SectionState.OK, (ALLERGY,)), "1 allergy: Fish.", "AllergyIntolerance/3 version 2"),
    "none known": (
        Section(SectionState.OK, (replace(ALLERGY, none_known=True),)),
        "No known allergies, as stated in the chart.",
        "Nothing to list.",
    ),
    "none recorded": (Section(SectionState.EMPTY), "That does not mean there are none: ask.", "Nothing to list."),
    "in part": (
        Section(SectionState.PARTIAL, (ALLERGY,), detail="The EHR holds more entries than were read (240)."),
        "There may be more. The EHR holds more entries than were read (240).",
        "Fish",
    ),
    "forbidden": (Section(SectionState.FORBIDDEN), "The EHR did not allow this to be read.", "Nothing to list."),
    "failed": (
        Section(SectionState.FAILED, detail="The EHR did not answer in time."),
        "Could not be read. The EHR did not answer in time.",
        "Nothing to list.",
    ),
    "left out": (
        Section(SectionState.EMPTY, dropped=2, left_out=(LeftOut("entered-in-error", 1), LeftOut("refuted", 1))),
        "None recorded",
        "2 entries left out: 1 entered in error, 1 refuted.",
    ),
}


@pytest.mark.parametrize(("section", "said", "listed"), PARTS.values(), ids=PARTS)
async def test_every_state_of_a_part_is_said_in_words(
    site: Site, section: Section[Any], said: str, listed: str
) -> None:
    seat = await site.seat()
    await keep(site, seat, whole(allergies=section))
    page = await page_of(site, seat)
    part = page.select_one("#part-allergies")
    assert said in text_of(part) and listed in text_of(part)
    missed = section.state in (SectionState.PARTIAL, SectionState.FORBIDDEN, SectionState.FAILED)
    assert bool(page.select_one(".unread")) is missed
    assert bool(page.select_one("form[data-again]")) is (section.state is SectionState.FAILED)
    visit = BeautifulSoup((await site.client.get(seat.path, headers={**PAGE, **seat.cookie})).text, "html.parser")
    assert said in text_of(visit.select_one("#chart-allergies")), "the visit's own page says the same"
    assert bool(visit.select_one(".unread")) is missed
    assert bool(visit.select_one("form[data-again]")) is (section.state is SectionState.FAILED)


async def test_every_part_of_the_chart_is_on_the_page(site: Site) -> None:
    seat = await site.seat()
    await keep(site, seat, whole())
    page = await page_of(site, seat)
    assert {one["id"] for one in page.select("details.chart")} == {f"part-{name}" for name in SECTIONS}
    assert page.select_one("main")["data-reading"] == "no"


async def test_while_parts_are_pending_the_page_says_so_and_the_status_too(site: Site) -> None:
    """The visit stands in a state in which nothing is read any more, so that it stays as it is."""
    seat = await site.seat()
    page = await page_of(site, seat)
    assert page.select_one("main")["data-reading"] == "yes"
    assert "being read" in text_of(page.select_one(".reading"))
    assert "Not read yet." in text_of(page.select_one("#part-goals"))
    assert not page.select("meta[http-equiv=refresh]"), "a page somebody types in does not load itself again"


async def test_each_name_stands_under_its_source_and_can_be_changed_before_the_recording(site: Site) -> None:
    seat = await site.seat()
    page = await page_of(site, seat)
    row = page.select_one('[data-term="lisinopril"]')
    source = text_of(row.find_parent(class_="set").select_one(".set__from"))
    assert source == "Medication: lisinopril 10 MG Oral Tablet MedicationRequest/11 version 1"
    assert row.select_one("button[name=remove]")["value"] == "lisinopril"
    assert {option.get_text() for option in page.select("select[name=instead] option")} >= {"lisinopril", "Waters"}
    assert page.select_one("#undo") is None


@pytest.mark.parametrize("state", ["CAPTURED", "TRANSCRIBED", "SIGNED", "FILED"])
async def test_after_the_recording_the_page_is_only_read(site: Site, state: str) -> None:
    seat = await site.seat(state=state)
    page = await page_of(site, seat)
    assert [form["action"] for form in page.select("main form")] == [f"{seat.path}/leave"]
    assert page.select_one('[data-term="lisinopril"]') is not None
    assert "None of these left for a recogniser" in text_of(page.select_one("#terms"))


async def test_a_name_takes_the_place_of_another_by_form_or_json_and_comes_back(site: Site) -> None:
    seat = await site.seat()
    url, visits = f"{seat.path}/keyterms", site.parts.visits
    form = {"add": "Zestril", "instead": "lisinopril", "csrf": seat.csrf}
    answer = await site.client.post(url, data=form, headers={**PAGE, **seat.changing})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{seat.path}/knows")
    page = await page_of(site, seat)
    assert page.select_one('[data-term="Zestril"]') and not page.select_one('[data-term="lisinopril"]')
    assert text_of(page.select_one("#undo")) == "Undo: “lisinopril” changed to “Zestril”"
    answer = await site.client.post(url, data={"undo": "yes", "csrf": seat.csrf}, headers={**PAGE, **seat.changing})
    assert answer.status_code == 303
    assert (await page_of(site, seat)).select_one('[data-term="lisinopril"]')
    body = {"add": "Lakeside tablet", "instead": "lisinopril"}
    assert (await site.client.post(url, json=body, headers={**JSON, **seat.changing})).status_code == 200
    texts = [one.text for one in (await visits.need(seat.visit_id, SpeechHints)).keyterms]
    assert texts[0] == "Lakeside tablet" and "lisinopril" not in texts


async def test_names_are_changed_while_the_chart_is_being_read(site: Site) -> None:
    """Each change and each reading is one more list; whoever comes second begins anew."""
    seat = await site.seat()
    await fetch(site, seat)  # its parts are read meanwhile, and given up: there is no EHR
    names = [f"Lakeside {word}" for word in ("Heart", "Clinic", "Street", "House")]
    posts = [
        site.client.post(f"{seat.path}/keyterms", json={"add": name}, headers={**JSON, **seat.changing})
        for name in names
    ]
    assert [answer.status_code for answer in await asyncio.gather(*posts)] == [200] * len(names)
    await settle(site.app)
    listed = [one.text for one in (await site.parts.visits.need(seat.visit_id, SpeechHints)).keyterms]
    assert set(names) <= set(listed)
    assert (await site.parts.visits.need(seat.visit_id, PatientContext)).goals.state is SectionState.FAILED


@pytest.mark.parametrize(
    "body",
    [{"instead": "lisinopril"}, {"remove": "lisinopril", "instead": "lisinopril"}, {"undo": True, "instead": "x"},
     {"add": "Zestril", "instead": ["lisinopril"]}, {"add": "Zestril", "instead": "nobody"},
     {"add": "lisinopril", "instead": "Waters"}],
)  # fmt: skip
async def test_a_change_that_makes_no_sense_changes_nothing(site: Site, body: dict[str, object]) -> None:
    seat = await site.seat()
    before = await site.parts.visits.need(seat.visit_id, SpeechHints)
    answer = await site.client.post(f"{seat.path}/keyterms", json=body, headers={**JSON, **seat.changing})
    assert answer.status_code == 422, answer.text
    assert await site.parts.visits.need(seat.visit_id, SpeechHints) == before


async def test_what_policy_holds_back_is_a_number_and_no_name(site: Site) -> None:
    seat = await site.seat()
    await keep(site, seat, replace(samples.hints(), withheld=(Withheld("hiv", 2), Withheld("psychiatric", 1))))
    answer = await fetch(site, seat)
    assert "Held back by policy: 3." in answer.text
    assert not set(re.findall(r"\w+", answer.text.casefold())) & {"hiv", "psychiatric"}


async def test_a_clinician_may_add_by_hand_what_policy_holds_back(site: Site) -> None:
    """Their decision: the name is sent, and the number of those held back is smaller by it."""
    rules = site.parts.rules
    held = replace(rules.keyterms, mapping=replace(rules.keyterms.mapping, withhold=("hiv",)))
    parts = replace(site.parts, rules=replace(rules, keyterms=held))
    drug = Medication(Source("MedicationRequest/21"), "dolutegravir 50 MG Oral Tablet", "active")
    context = whole(medications=Section(SectionState.OK, (drug,)))
    seat = await site.seat()
    launch = await parts.visits.need(seat.visit_id, Launch)
    await keep(site, seat, context, prepare_hints(parts, launch, context))
    async with open_site(parts) as policing:
        before = await page_of(policing, seat)
        assert not before.select_one('[data-term="dolutegravir"]')
        form = {"add": "dolutegravir", "csrf": seat.csrf}
        answer = await policing.client.post(f"{seat.path}/keyterms", data=form, headers={**PAGE, **seat.changing})
        assert answer.status_code == 303, answer.text
        after = await page_of(policing, seat)
    assert after.select_one('#terms-own [data-term="dolutegravir"]')
    numbers = [
        int(re.findall(r"Held back by policy: (\d+)", text_of(one.select_one("#terms")))[0]) for one in (before, after)
    ]
    assert numbers[1] == numbers[0] - 1
    sent = await keep_sent(parts, seat.visit_id, parts.policy.speech_models)
    assert sent.keyterms[0].text == "dolutegravir"


async def test_the_review_page_shows_what_was_sent_word_for_word(site: Site) -> None:
    first = replace(samples.hints(), keyterms=samples.hints().keyterms[:1], sent=samples.ago(400))
    second = replace(samples.hints(), sent=samples.ago(300))
    seat = await site.seat(samples.consent(), samples.recording(), samples.transcript(), samples.draft())
    await keep(site, seat, first)
    await keep(site, seat, second)
    later = replace(samples.hints(), keyterms=(*second.keyterms, Keyterm("never sent", "own")))
    await keep(site, seat, later, samples.shown().findings, state="DRAFTED")
    review = BeautifulSoup((await site.client.get(seat.path, headers={**PAGE, **seat.cookie})).text, "html.parser")
    assert text_of(review.select_one("h1")) == "Review the note"
    for number, listed in enumerate((second, first), start=1):
        sent = review.select_one(f"#sent-{number}")
        assert [one.get_text() for one in sent.select(".terms li")] == [one.text for one in listed.keyterms]
        assert sent.select_one(f'a[href="{seat.path}/knows"]')
    assert review.select_one("#sent-3") is None
    knows = await page_of(site, seat)
    assert "3 names were sent" in text_of(knows.select_one("#terms"))
    assert "1 name was sent" in text_of(knows.select_one("#terms"))


async def test_reading_again_makes_what_failed_pending_for_everybody_who_looks(site: Site) -> None:
    seat = await site.seat()
    failed, refused = Section(SectionState.FAILED), Section(SectionState.FORBIDDEN)
    await keep(site, seat, whole(allergies=failed, goals=refused))
    form = {"csrf": seat.csrf}
    answer = await site.client.post(f"{seat.path}/chart", data=form, headers={**PAGE, **seat.changing})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{seat.path}/knows")
    history = await site.parts.visits.history(seat.visit_id, PatientContext)
    reopened = next(one for one in history if one.allergies.state is SectionState.PENDING)
    assert reopened.goals.state is SectionState.FORBIDDEN and reopened.stamp.at > samples.NOW
    before = len(history)
    other = await site.seat(state="FILED")
    await site.client.post(f"{other.path}/chart", data={"csrf": other.csrf}, headers={**PAGE, **other.changing})
    assert before >= 3 and len(await site.parts.visits.history(other.visit_id, PatientContext)) == 1


async def test_a_visit_whose_records_are_gone_says_so(site: Site) -> None:
    seat = await site.seat(state="DISCARDED")
    assert "This visit is over." in (await fetch(site, seat)).text


@pytest.mark.parametrize("banner", [True, False])
async def test_the_patient_stands_on_the_page_in_full_where_the_ehr_asks_for_it(site: Site, banner: bool) -> None:
    seat = await site.seat()
    launch = replace(samples.facts("PRIMED").launch, launch_id=seat.launch_id, visit_id=seat.visit_id)
    await keep(site, seat, replace(launch, tenant="clinic", need_patient_banner=banner))
    shown = text_of((await page_of(site, seat)).select_one("#banner"))
    assert "Billie Waters" in shown and "born" in shown
    assert ("MRN MR-7" in shown) is banner


async def test_hostile_names_stay_text(site: Site) -> None:
    seat = await site.seat()
    source = Source(f"AllergyIntolerance/{HOSTILE}", HOSTILE)
    allergy = Allergy(source, HOSTILE, (HOSTILE,), "high", HOSTILE)
    terms = (Keyterm(HOSTILE, "allergen", (source,)), Keyterm(HOSTILE[2:], HOSTILE, (), HOSTILE))
    edits = (KeytermEdit("add", HOSTILE, HOSTILE, samples.NOW, HOSTILE),)
    section = Section(SectionState.PARTIAL, (allergy,), detail=HOSTILE)
    await keep(site, seat, whole(allergies=section), replace(samples.hints(), keyterms=terms, edits=edits))
    answer = await fetch(site, seat)
    page = BeautifulSoup(answer.text, "html.parser")
    assert [one["src"] for one in page.select("script, img")] == ["/static/js/knows.js", "/static/scribe.svg"]
    assert not [name for one in page.find_all(True) for name in one.attrs if name.startswith("on")]
    assert html.unescape(answer.text).count(HOSTILE) >= 12 and "49" not in text_of(page.select_one("#terms"))
    assert page.select_one("button[name=remove]")["value"] == HOSTILE
