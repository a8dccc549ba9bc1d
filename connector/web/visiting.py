"""The pages and status of one visit. In: requests with a session. Out: pages, JSON. Shows, and never decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from connector.context.chart import SECTIONS
from connector.erasure.ledger import how_far, next_action
from connector.errors import InputRefused
from connector.records import (
    Consent,
    DraftNote,
    Filing,
    PatientContext,
    Recording,
    RedactedTranscript,
    SignedNote,
    SpeechHints,
    Transcript,
)
from connector.review.signature import ATTESTATION
from connector.visit import note as notes
from connector.visit.asking import tell_before
from connector.visit.consenting import find_jurisdiction, keep_answer
from connector.visit.encounter import choose_encounter
from connector.visit.fetching import allowed_hosts
from connector.visit.limits import find_limits
from connector.visit.priming import Primed, reopen_chart
from connector.visit.recording import keep_typed_text
from connector.visit.retrying import try_again
from connector.visit.returning import is_locked, refuse_locked
from connector.visit.states import State
from connector.visit.vendor_copies import erasure_of, nothing_to_erase, terms_of
from connector.web.bodies import read_number, read_object, refuse_unknown
from connector.web.consent_form import read_noted
from connector.web.headers import allow_capture
from connector.web.pages import Pages, wants_json
from connector.web.reading import prime_visit, read_on
from connector.web.session import Session, open_changing_session, open_hidden_session, open_session
from connector.web.sound_view import gather_sound
from connector.web.views import VisitFacts, build_status, build_visit_view

router = APIRouter(prefix="/v/{launch_id}")
_log = structlog.get_logger("connector.web.visiting")

_EDIT = frozenset({"revision", "sections"})
_SENTENCE = frozenset({"id", "text"})
_SIGNATURE = frozenset({"revision", "shown_sha256", "attest"})

Reading = Annotated[Session, Depends(open_session)]
Changing = Annotated[Session, Depends(open_changing_session)]
Hidden = Annotated[Session, Depends(open_hidden_session)]


@router.get("")
async def page(request: Request, session: Hidden) -> Response:
    """The visit's page in the state it is in; reads the chart first, where that has not happened yet."""
    if is_locked(session.parts, session.row):
        return show_lock(request, session)
    await refuse_locked(session.parts, session.row)
    # A page in a frame says whether a recorder there would get the microphone: it may ask for as much itself.
    allow_capture(request, "microphone")
    facts = await gather_page(request, session)
    pages: Pages = request.app.state.pages
    return pages.render(request, "visit.html", {"view": build_visit_view(facts)})


@router.get("/status")
async def status(request: Request, session: Hidden) -> Response:
    """What is true of the visit and what is being tried now, for polling; polling is nobody's presence."""
    if is_locked(session.parts, session.row):
        return JSONResponse({"state": (await session.parts.visits.row(session.row.visit_id)).state, "locked": True})
    await prime_visit(request, session, patience=0.0)
    facts = await collect_facts(session)
    read_on(request, session, facts)
    return JSONResponse(build_status(facts))


async def gather_page(request: Request, session: Session) -> VisitFacts:
    """What a page of this visit shows; the chart is read first, where that has not happened yet, and goes on behind."""
    primed = await prime_visit(request, session, patience=2.5)
    facts = _facts_of(session, primed) if primed is not None else await collect_facts(session)
    read_on(request, session, facts)
    if facts.recording is None:
        return facts
    told = await session.parts.visits.history(session.row.visit_id, SpeechHints)
    return replace(facts, sent=tuple(one for one in told if one.sent is not None))


def show_lock(request: Request, session: Session, *, place: str = "") -> Response:
    """The page of a hidden session: nothing of the patient, and one button that leads to `place` below the visit."""
    pages: Pages = request.app.state.pages
    values = {"base": f"/v/{session.row.launch_id}", "csrf": session.row.csrf, "place": place}
    return pages.render(request, "locked.html", values)


_COUNTED = (State.SIGNED, State.FILED, State.AMENDED, State.DISCARDED, State.EXPIRED, State.ERASED)
"""States in which a page tells what the visit cost: nothing more is asked of a vendor by then."""


async def collect_facts(session: Session) -> VisitFacts:
    """Everything a page of this visit may show, read from the store."""
    parts, visit_id = session.parts, session.row.visit_id
    # The state first: records are written with it, so those read later are never missing for the state shown.
    row = await parts.visits.row(visit_id)
    newest = await parts.visits.newest(visit_id)
    context = newest.get(PatientContext)
    consents = tuple(await parts.visits.history(visit_id, Consent)) if newest.get(Consent) else ()
    return VisitFacts(
        launch_id=session.row.launch_id,
        csrf=session.row.csrf,
        now=parts.clock(),
        row=row,
        launch=session.launch,
        limits=find_limits(parts, session.launch),
        context=context,
        hints=newest.get(SpeechHints),
        consents=consents,
        heard_less=tell_before(parts, context, consents),
        asking=find_jurisdiction(parts, session.row.tenant),
        recording=newest.get(Recording),
        transcript=newest.get(Transcript),
        note=await notes.show_note(parts, visit_id) if newest.get(DraftNote) is not None else None,
        attestation=ATTESTATION.text,
        signed=newest.get(SignedNote),
        filing=newest.get(Filing),
        erasure=await erasure_of(parts, visit_id),
        retention=terms_of(parts),
        costs=tuple(await parts.costs.of_visit(visit_id)) if row.state in _COUNTED else (),
        sound=await gather_sound(parts, visit_id, newest),
        fetch=await parts.fetches.under_way(visit_id) if row.state == State.CAPTURING else None,
        may_fetch=bool(allowed_hosts(parts, session.row.tenant)),
        redacted=newest.get(RedactedTranscript),
    )


def _facts_of(session: Session, primed: Primed) -> VisitFacts:
    """The same for a visit that was primed just now: nothing else can be kept of it yet."""
    parts = session.parts
    return VisitFacts(
        launch_id=session.row.launch_id,
        csrf=session.row.csrf,
        now=parts.clock(),
        row=primed.row,
        launch=session.launch,
        limits=find_limits(parts, session.launch),
        context=primed.context,
        hints=primed.hints,
        heard_less=tell_before(parts, primed.context, ()),
        asking=find_jurisdiction(parts, session.row.tenant),
        attestation=ATTESTATION.text,
        erasure=nothing_to_erase(parts),
    )


@router.get("/context")
async def read_context(session: Reading) -> Response:
    """What was read from the chart: the state and size of each section, and the keyterms with their sources."""
    visits, visit_id = session.parts.visits, session.row.visit_id
    context, hints = await visits.need(visit_id, PatientContext), await visits.need(visit_id, SpeechHints)
    sections = {}
    for name in SECTIONS:
        section = getattr(context, name)
        sections[name] = {"state": str(section.state), "count": len(section.items), "dropped": section.dropped}
    keyterms = [
        {
            "text": term.text,
            "kind": term.kind,
            "origin": term.origin,
            "sources": [source.reference for source in term.sources],
        }
        for term in hints.keyterms
    ]
    body = {
        "sections": sections,
        "keyterms": keyterms,
        "limit": hints.limit,
        "left_out": hints.left_out,
        "target": hints.target,
        "withheld": {one.category: one.count for one in hints.withheld},
        "sent": hints.sent.isoformat() if hints.sent else None,
    }
    return JSONResponse(body)


@router.post("/chart")
async def read_again(request: Request, session: Changing) -> Response:
    """Reads again, behind the page, what could not be read of the chart."""
    await reopen_chart(session.parts, session.launch)
    read_on(request, session, await collect_facts(session))
    return await visit_done(request, session, page="/knows")


@router.post("/consent")
async def consent(request: Request, session: Changing) -> Response:
    """Records what the patient, or one further person in the room, answered to being recorded."""
    noted = await read_noted(await request.form(), session)
    await keep_answer(session.parts, session.launch, noted)
    return await visit_done(request, session)


@router.post("/encounter")
async def choose(request: Request, session: Changing, encounter: Annotated[str, Form()] = "") -> Response:
    """Keeps which of the offered encounters the note belongs to; an empty answer is none of them."""
    await choose_encounter(session.parts, session.launch, reference=encounter or None)
    return await visit_done(request, session)


@router.post("/text")
async def typed_text(request: Request, session: Changing, text: Annotated[str, Form()]) -> Response:
    """Takes typed notes in place of a recording."""
    await keep_typed_text(session.parts, session.row.visit_id, text=text)
    return await visit_done(request, session)


@router.get("/note")
async def read_note(session: Reading) -> Response:
    """The newest draft, its findings, and the text that would be signed."""
    return JSONResponse(_note_json(await notes.show_note(session.parts, session.row.visit_id)))


@router.post("/note")
async def edit_note(request: Request, session: Changing) -> Response:
    """Saves an edit as the next revision."""
    revision, sections = _read_edit(await read_object(request, known=_EDIT))
    shown = await notes.edit_note(session.parts, session.launch, revision=revision, sections=sections)
    return JSONResponse(_note_json(shown))


@router.post("/sign")
async def sign(request: Request, session: Changing) -> Response:
    """Signs what was shown and starts the write-back."""
    body = await _read_body(request)
    if body.get("attest") != "yes":
        raise InputRefused("Tick the declaration before signing.")
    revision, shown = read_number(body.get("revision")), body.get("shown_sha256")
    if revision is None or not isinstance(shown, str):
        raise InputRefused("The signature needs the revision and the hash of what was shown: reload the page.")
    await notes.sign(session.parts, session.launch, revision=revision, shown_sha256=shown)
    return await visit_done(request, session)


@router.get("/filing")
async def read_filing(session: Reading) -> Response:
    """Where the signed note stands: hash signed, hash stored, references in the EHR, what vendors still hold."""
    parts, visit_id = session.parts, session.row.visit_id
    signed, filing = await parts.visits.latest(visit_id, SignedNote), await parts.visits.latest(visit_id, Filing)
    erasure = await erasure_of(parts, visit_id)
    body = {
        "signed_sha256": signed.sha256 if signed else None,
        "document_reference": filing.document_reference if filing else None,
        "composition": filing.composition if filing else None,
        "provenance": filing.provenance if filing else None,
        "stored_sha256": filing.stored_sha256 if filing else None,
        "read_back": filing.read_back if filing else None,
        "vendor_copies": [
            {"kind": copy.kind, "state": copy.state, "next": next_action(copy)} for copy in erasure.copies
        ],
        "vendor_deleted": (reached := how_far(erasure.copies)) in ("deleted", "nothing"),
        "vendor_deletion": reached,
    }
    return JSONResponse(body)


@router.post("/copy")
async def copy(request: Request, session: Changing) -> Response:
    """The note as plain text; the copy is recorded."""
    text = await notes.copy_note(session.parts, session.launch)
    return JSONResponse({"text": text}) if wants_json(request) else PlainTextResponse(text)


@router.post("/retry")
async def retry(request: Request, session: Changing) -> Response:
    """Tries again what needs attention."""
    await try_again(session.parts, session.row.visit_id)
    return await visit_done(request, session)


async def visit_done(request: Request, session: Session, *, page: str = "") -> Response:
    """The answer to a change: the visit's status for machines, a page of the visit for people."""
    if wants_json(request):
        return JSONResponse(build_status(await collect_facts(session)))
    return RedirectResponse(f"/v/{session.row.launch_id}{page}", 303)


async def _read_body(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", ""):
        return await read_object(request, known=_SIGNATURE)
    return dict((await request.form()).items())


def _read_edit(body: dict[str, Any]) -> tuple[int, dict[str, list[tuple[str | None, str]]]]:
    revision, given = read_number(body.get("revision")), body.get("sections")
    if revision is None or not isinstance(given, dict):
        raise InputRefused("An edit needs the revision it was made on and its sections: reload the page.")
    return revision, {key: [_read_sentence(one) for one in _as_list(sentences)] for key, sentences in given.items()}


def _as_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise InputRefused("Each section of an edit is a list of sentences: reload the page.")
    return value


def _read_sentence(value: object) -> tuple[str | None, str]:
    """A sentence's id, None for a new one, and its text. What cannot be read is refused, never left out."""
    if isinstance(value, dict):
        refuse_unknown(value, known=_SENTENCE)
        identity, text = value.get("id"), value.get("text")
        if isinstance(text, str) and (identity is None or isinstance(identity, str)):
            return identity, text
    raise InputRefused("Each sentence of an edit has an id, or null, and a text: reload the page.")


def _note_json(shown: notes.ShownNote) -> dict[str, Any]:
    return {
        "revision": shown.draft.revision,
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "sentences": [
                    {
                        "id": sentence.sentence_id,
                        "text": sentence.text,
                        "turn_ids": list(sentence.turn_ids),
                        "chart": [source.reference for source in sentence.chart],
                        "origin": sentence.origin,
                    }
                    for sentence in section.sentences
                ],
            }
            for section in shown.draft.sections
        ],
        "findings": [
            {"kind": item.kind, "text": item.text, "sentence_id": item.sentence_id} for item in shown.findings.items
        ],
        "text": shown.text,
        "sha256": shown.sha256,
    }
