"""From transcript to a signed note: TRANSCRIBED to DRAFTED to SIGNED. In: a visit id, edits, a signature. Out: records.

What is signed is what was shown, byte for byte; a redraft or edit is a new revision and loses nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.clients.gateway import AnswerSchema, Completion, ModelChain
from connector.clients.model_chain import ask_in_turn
from connector.consent.saying import say_for_model, say_for_note
from connector.consent.standing import read_standing
from connector.drafting.answer import DraftIdentity, read_answer
from connector.drafting.chart_text import ChartText, write_chart
from connector.drafting.mending import REPAIRED, MendedText, mend_json
from connector.drafting.note_type import NoteType
from connector.drafting.prompt import build_messages, name_maker
from connector.drafting.schema import answer_schema
from connector.errors import Conflict, NotFound
from connector.records import (
    Consent,
    DraftNote,
    Findings,
    Launch,
    PatientContext,
    SignedNote,
    Stamp,
    Transcript,
)
from connector.review.edits import EditedSections, apply_edit
from connector.review.findings import check_draft
from connector.review.rendition import Heading, hash_text, render_text
from connector.review.signature import Signer, sign_note
from connector.store.audit import AuditEvent
from connector.store.visits import Numbered, VisitRow
from connector.visit.completions import keep_completion
from connector.visit.consenting import find_standing
from connector.visit.doubting import find_question
from connector.visit.parts import Parts, Work
from connector.visit.speaking import gate_transcript, require_newest
from connector.visit.states import State
from connector.visit.steps import Move, move

TYPED = "typed"
"""Origin of a transcript nobody spoke: no sound was recorded for it."""
REDRAFT = "redraft"
"""What helps after a draft that could not be used."""
SANDBOX_MODEL = "sandbox-"
"""Every model of a sandbox answers under a name that begins so."""


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A draft as the page shows it: `text` is the rendition that would be signed, `sha256` of its UTF-8 bytes."""

    draft: DraftNote
    findings: Findings
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class MadeDraft:
    """A draft that is not kept yet, its findings, and the transcript it was made from."""

    draft: DraftNote
    findings: Findings
    transcript: Transcript


async def draft_note(parts: Parts, visit_id: str) -> int:
    """Asks the model for a draft and seals it: TRANSCRIBED to DRAFTED; returns the revision."""
    made = await make_draft(parts, visit_id)
    revision = made.draft.revision
    records = (Numbered(made.draft, revision), Numbered(made.findings, revision))

    async def bind(connection: AsyncConnection) -> None:
        await require_newest(parts, connection, made.transcript, visit_id=visit_id)

    try:
        await move(parts, visit_id, Move((State.TRANSCRIBED, State.DRAFTED), records=records, also=bind))
    except Conflict:
        if (await parts.visits.row(visit_id)).state == State.TRANSCRIBED:
            raise
    return revision


async def make_draft(parts: Parts, visit_id: str) -> MadeDraft:
    """Asks the model for a draft of the newest transcript, under the next revision."""
    await parts.visits.show_step(visit_id, "drafting", at=parts.clock())
    transcript = await parts.visits.need(visit_id, Transcript)
    context = await parts.visits.need(visit_id, PatientContext)
    note_type = parts.rules.note_types[parts.policy.note_type]
    chart = write_chart(context, parts.policy.chart_budget)
    completion = await _complete(parts, visit_id, note_type, transcript=transcript, chart=chart)
    previous = await parts.visits.latest(visit_id, DraftNote)
    # After a withdrawal numbers go on: a page that still shows the destroyed draft cannot save into a new one.
    told = await parts.visits.history(visit_id, Consent)
    revision = (previous.revision if previous else max((one.last_revision for one in told), default=0)) + 1
    answer = await _mend(completion)
    maker = name_maker(note_type, parts.rules.prompts[note_type.key], chart)
    draft = read_answer(
        answer.text,
        note_type=note_type,
        transcript=transcript,
        context=context,
        identity=DraftIdentity(
            draft_id=parts.new_id(),
            revision=revision,
            origin="sandbox" if (completion.model or "").startswith(SANDBOX_MODEL) else "model",
            stamp=Stamp(
                maker=f"{maker}+{REPAIRED}" if answer.repaired else maker,
                at=parts.clock(),
                who="system",
                model=completion.model,
            ),
        ),
    )
    return MadeDraft(draft, check_draft(draft, transcript=transcript, context=context, now=parts.clock()), transcript)


async def _complete(
    parts: Parts, visit_id: str, note_type: NoteType, *, transcript: Transcript, chart: ChartText
) -> Completion:
    messages = build_messages(
        note_type=note_type,
        transcript=transcript,
        chart=chart,
        consent_line=say_for_model(await find_standing(parts, visit_id), recorded=transcript.origin != TYPED),
        templates=parts.rules.prompts[note_type.key],
    )
    gate = gate_transcript(parts, visit_id, transcript)
    policy = parts.policy
    schema = AnswerSchema(f"{note_type.key}_note", answer_schema(note_type))

    async def ask(link: ModelChain) -> Completion:
        return await parts.gateway.through(gate).complete(
            chain=link,
            messages=messages,
            schema=schema,
            max_tokens=policy.gateway_max_tokens,
            timeout=policy.gateway_timeout,
        )

    async def attempt(link: ModelChain) -> Completion:
        return await keep_completion(parts, visit_id, lambda: ask(link))

    chain = ModelChain(policy.gateway_model, policy.gateway_fallbacks, policy.gateway_fallback_depth)
    return await ask_in_turn(parts.gateway.split(chain), attempt)


async def _mend(completion: Completion) -> MendedText:
    """The answer, mended where its form needs it and the service said that it was whole."""
    if not completion.finish_reason:
        return MendedText(completion.content)
    return await asyncio.to_thread(mend_json, completion.content)


async def show_note(parts: Parts, visit_id: str) -> ShownNote:
    """The newest draft with its findings and the text that would be signed today."""
    draft = await parts.visits.need(visit_id, DraftNote)
    findings = await parts.visits.need(visit_id, Findings)
    text = render_text(draft, await heading_for(parts, visit_id))
    return ShownNote(draft, findings, text, hash_text(text))


async def heading_for(parts: Parts, visit_id: str, signed: SignedNote | None = None) -> Heading:
    """The facts around the note: of the signature, once there is one, else of a signature given now."""
    launch = await parts.visits.need(visit_id, Launch)
    context = await parts.visits.need(visit_id, PatientContext)
    transcript = await parts.visits.need(visit_id, Transcript)
    row = await parts.visits.row(visit_id)
    told = await _consents_until(parts, visit_id, signed)
    person = context.patient.items[0] if context.patient.items else None
    encounter = context.encounter.items[0] if context.encounter.items else None
    return Heading(
        patient_name=person.name if person else "",
        birth_date=person.birth_date if person else None,
        patient_identifier=person.identifier if person else None,
        encounter_date=encounter.started.date() if encounter and encounter.started else None,
        author=launch.practitioner_name or launch.practitioner or "",
        consent=say_for_note(read_standing(told), recorded=transcript.origin != TYPED),
        transcript_origin=transcript.origin,
        signed_on=(signed.signed_at if signed else parts.clock()).date(),
        note_id=visit_id,
        version=signed.version if signed else row.note_version + 1,
        sandbox_draft=(await parts.visits.need(visit_id, DraftNote)).origin == "sandbox",
        little_speech=transcript.little_speech,
    )


async def _consents_until(parts: Parts, visit_id: str, signed: SignedNote | None) -> list[Consent]:
    """Every answer there was at the signature: what is said later changes no signed text."""
    history = await parts.visits.history(visit_id, Consent)
    return [one for one in history if signed is None or one.stamp.at <= signed.signed_at]


async def edit_note(parts: Parts, launch: Launch, *, revision: int, sections: EditedSections) -> ShownNote:
    """Saves the clinician's edit as the next revision; a revision that is no longer the newest is a Conflict."""
    visit_id = launch.visit_id
    draft = await parts.visits.need(visit_id, DraftNote)
    if draft.revision != revision:
        raise Conflict("The note was changed elsewhere: reload and look at both before saving.")
    who = launch.practitioner or "unidentified"
    edited = apply_edit(draft, sections=sections, who=who, now=parts.clock())
    transcript = await parts.visits.need(visit_id, Transcript)
    context = await parts.visits.need(visit_id, PatientContext)
    findings = check_draft(edited, transcript=transcript, context=context, now=parts.clock())
    records = (
        Numbered(edited, edited.revision),
        Numbered(replace(findings, revision=edited.revision), edited.revision),
    )
    await move(
        parts,
        visit_id,
        Move((State.DRAFTED, State.DRAFTED), records=records, actor=who, detail={"revision": edited.revision}),
    )
    return await show_note(parts, visit_id)


async def sign(parts: Parts, launch: Launch, *, revision: int, shown_sha256: str) -> VisitRow:
    """Signs the newest revision, if it is the one shown, and starts the write-back: DRAFTED to SIGNED."""
    visit_id = launch.visit_id
    draft = await parts.visits.need(visit_id, DraftNote)
    if draft.revision != revision:
        raise Conflict("The note was changed since it was shown: read it again before signing.")
    charts = await parts.visits.history(visit_id, PatientContext)
    consents = await parts.visits.history(visit_id, Consent)
    heading = await heading_for(parts, visit_id)
    signed = sign_note(
        draft,
        heading,
        shown_sha256=shown_sha256,
        signer=Signer(
            reference=launch.practitioner,
            launched_as=launch.practitioner,
            name=launch.practitioner_name or launch.practitioner or "",
        ),
        now=parts.clock(),
    )

    async def start(connection: AsyncConnection) -> None:
        # The visit's row is locked by now: an edit saved since the note was read must not be left out.
        if await parts.visits.newest_number(connection, visit_id, DraftNote) != draft.revision:
            raise Conflict("The note was changed since it was shown: read it again before signing.")
        if await parts.visits.newest_number(connection, visit_id, PatientContext) != len(charts):
            raise Conflict("More of the chart was read or the encounter changed: read the note again before signing.")
        if await parts.visits.newest_number(connection, visit_id, Consent) != len(consents):
            raise Conflict("Consent was recorded since the note was shown: read it again before signing.")
        version = str(signed.version)
        await parts.enqueue(connection, Work("write_back", visit_id, version, version))

    return await move(
        parts,
        visit_id,
        Move(
            (State.DRAFTED, State.SIGNED),
            records=(Numbered(signed, signed.version),),
            actor=signed.signer,
            detail={"version": signed.version, "sha256": signed.sha256},
            note_version=signed.version,
            also=start,
        ),
    )


async def copy_note(parts: Parts, launch: Launch) -> str:
    """The note as plain text for the clipboard; every copy is recorded in the audit chain."""
    signed = await parts.visits.latest(launch.visit_id, SignedNote)
    text = signed.text if signed else (await show_note(parts, launch.visit_id)).text
    actor = launch.practitioner or "unidentified"
    await parts.visits.note_event(AuditEvent(launch.tenant, "note.copied", launch.visit_id, actor, parts.clock()))
    return text


async def ask_for_draft(parts: Parts, visit_id: str) -> None:
    """Starts drafting again after a draft that could not be used, once however often it is asked for; the transcript is
    kept. Raises Conflict where a draft is on its way."""
    row = await parts.visits.row(visit_id)
    if row.state != State.TRANSCRIBED:
        raise NotFound("There is no draft to make again in this state.")
    question = await find_question(parts, visit_id)
    if question is not None and question.is_open:
        raise Conflict("Answer the question about this recording first: reload the page.")
    async with parts.visits.engine.begin() as connection:
        asked = row.attention_action == REDRAFT
        if not asked or not await parts.visits.take_attention(connection, visit_id, row.attention or ""):
            raise Conflict("The note is being drafted already: reload to see where the visit stands.")
        await parts.enqueue(connection, Work("draft_again", visit_id, parts.new_id()))
