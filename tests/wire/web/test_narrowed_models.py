"""A visit whose language leaves fewer speech models: its keyterms keep those models' limits, shown and sent alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from connector.consent.answer import Noted
from connector.hints.limits import TermLimits
from connector.records import Launch, SpeechHints
from connector.store.visits import Numbered
from connector.visit.asking import ask_for
from connector.visit.consenting import keep_answer
from connector.visit.listening import Change, change_keyterms
from connector.visit.parts import Parts
from connector.visit.priming import prepare_hints
from connector.visit.transcription import keep_sent
from tests.unit.web import samples
from tests.wire.web.conftest import Seat, Site, open_site

EVERY = ("universal-3-pro", "universal-3-5-pro")
FEW, MANY = 3, 9
JSON = {"Accept": "application/json"}


@pytest.fixture
async def narrow(site: Site) -> AsyncIterator[Site]:
    """Two models, of which the first takes 3 terms and knows no Polish, and the second takes 9 and does."""
    rules = site.parts.rules
    limits = {EVERY[0]: TermLimits(FEW, 6), EVERY[1]: TermLimits(MANY, 6)}
    mapping = replace(rules.keyterms.mapping, limits={"prerecorded": limits})
    rules = replace(rules, keyterms=replace(rules.keyterms, mapping=mapping))
    policy = replace(site.parts.policy, speech_models=EVERY)
    async with open_site(replace(site.parts, rules=rules, policy=policy)) as one:
        yield one


async def primed(site: Site, *, language: str | None) -> Seat:
    """A visit whose patient's chart names a language, its keyterms derived as the chart is read."""
    context = samples.context()
    person = replace(context.patient.items[0], language=language)
    context = replace(context, patient=replace(context.patient, items=(person,)))
    hints = prepare_hints(site.parts, samples.facts("PRIMED").launch, context)
    return await site.seat(Numbered(context, 2), Numbered(hints, 2))


async def shown(site: Site, seat: Seat) -> list[str]:
    answer = (await site.client.get(f"{seat.path}/context", headers={**JSON, **seat.cookie})).json()
    return [one["text"] for one in answer["keyterms"]]


async def sent(parts: Parts, seat: Seat) -> SpeechHints:
    """What a recording of the visit would be sent with."""
    options = (await ask_for(parts, seat.visit_id)).options
    return await keep_sent(parts, seat.visit_id, options.speech_models)


@pytest.mark.parametrize(
    ("language", "models", "limit"),
    [("en", EVERY, FEW), (None, EVERY, FEW), ("pl", EVERY[1:], MANY), ("Polish", EVERY[1:], MANY)],
)
async def test_the_list_keeps_the_limits_of_the_models_the_charted_language_leaves(
    narrow: Site, language: str | None, models: tuple[str, ...], limit: int
) -> None:
    seat = await primed(narrow, language=language)
    listed = await shown(narrow, seat)
    assert len(listed) == limit
    told = await sent(narrow.parts, seat)
    assert [one.text for one in told.keyterms] == listed
    assert (told.limit, told.target) == (limit, f"prerecorded/{'+'.join(models)}")


async def test_an_interpreter_s_language_changes_the_list_where_it_is_shown_before_it_is_sent(narrow: Site) -> None:
    seat = await primed(narrow, language="en")
    launch = await narrow.parts.visits.need(seat.visit_id, Launch)
    await change_keyterms(narrow.parts, launch, Change("add", "Lakeside Heart"))
    assert len(await shown(narrow, seat)) == FEW
    await keep_answer(narrow.parts, launch, Noted("given", interpreter="phone", language="Polish"))
    listed = await shown(narrow, seat)
    assert len(listed) == MANY and listed[0] == "Lakeside Heart", "the clinician's own stay first"
    assert [one.text for one in (await sent(narrow.parts, seat)).keyterms] == listed


async def test_an_answer_that_changes_no_language_leaves_the_list_alone(narrow: Site) -> None:
    seat = await primed(narrow, language="en")
    before = await narrow.parts.visits.need(seat.visit_id, SpeechHints)
    launch = await narrow.parts.visits.need(seat.visit_id, Launch)
    await keep_answer(narrow.parts, launch, Noted("given"))
    assert await narrow.parts.visits.need(seat.visit_id, SpeechHints) == before


async def test_a_change_of_the_list_and_a_later_reading_keep_the_narrowed_limit(narrow: Site) -> None:
    seat = await primed(narrow, language="pl")
    launch = await narrow.parts.visits.need(seat.visit_id, Launch)
    await change_keyterms(narrow.parts, launch, Change("add", "Lakeside Heart"))
    assert len(await shown(narrow, seat)) == MANY


async def test_a_list_made_for_other_models_is_cut_from_its_end_when_it_is_sent_and_says_how_many_fell_away(
    narrow: Site,
) -> None:
    seat = await primed(narrow, language="pl")
    before = await narrow.parts.visits.need(seat.visit_id, SpeechHints)
    told = await keep_sent(narrow.parts, seat.visit_id, EVERY)
    assert told.keyterms == before.keyterms[:FEW]
    assert (told.limit, told.left_out) == (FEW, before.left_out + MANY - FEW)
    assert [one.text for one in told.keyterms] == await shown(narrow, seat)


async def test_a_list_is_never_filled_up_when_it_is_sent(narrow: Site) -> None:
    """Nothing leaves that was not shown before."""
    seat = await primed(narrow, language="en")
    before = await narrow.parts.visits.need(seat.visit_id, SpeechHints)
    told = await keep_sent(narrow.parts, seat.visit_id, EVERY[1:])
    assert told.keyterms == before.keyterms and told.limit == MANY
