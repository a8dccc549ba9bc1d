"""Consent on a page: what is read out, who said what, what is missing, what was destroyed. In: VisitFacts. Out: a view.

Shows what the rules have decided, and never decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connector.consent.answer import REPRESENTATIVES, ROLES, WAYS
from connector.consent.mapping import Wording
from connector.consent.saying import name_person, name_wording
from connector.consent.standing import NO, Standing, Voice
from connector.records import PATIENT, Consent, ConsentAnswer, Transcript
from connector.visit.states import GIVEN_UP, State
from connector.web.moments import Moment, show_moment
from connector.web.visit_facts import VisitFacts


@dataclass(frozen=True, slots=True)
class TextView:
    """One text to be read out: `key` names it in a form, `lang` is its language where it is not the site's own."""

    key: str
    title: str
    text: str
    lang: str | None


@dataclass(frozen=True, slots=True)
class VoiceView:
    """One person: what they said in words, how, asked by whom and when. `icon` and `tone` go with the answer."""

    person_id: str
    who: str
    role: str
    label: str
    answer: str
    words: str
    details: str
    at: Moment
    is_patient: bool
    has_left: bool


@dataclass(frozen=True, slots=True)
class ConsentView:
    """The consent card. `answer` and `method` are the patient's; `hindrance` says what is missing to record.

    `stage`: `asking` before a recording, `going` from there to the signature, `signed`, or `over`. `at_stake` says what
    a no would destroy, empty where there is nothing; `destroyed` what one has destroyed, at `destroyed_at`.
    """

    stage: str
    answer: str | None
    method: str | None
    everybody: bool
    jurisdiction: str
    methods: tuple[tuple[str, str], ...]
    text: TextView
    texts: tuple[TextView, ...]
    others: TextView
    voices: tuple[VoiceView, ...]
    hindrance: str | None
    at_stake: str
    destroyed: str
    destroyed_at: Moment | None
    roles: tuple[tuple[str, str], ...]
    representatives: tuple[tuple[str, str], ...]
    ways: tuple[tuple[str, str], ...]


METHOD_WORDS: Mapping[str, str] = {"verbal": "In words", "written": "In writing"}
_ANSWERS: Mapping[ConsentAnswer, str] = {
    ConsentAnswer.GIVEN: "agreed to be recorded",
    ConsentAnswer.DECLINED: "declined to be recorded",
    ConsentAnswer.WITHDRAWN: "withdrew consent",
    ConsentAnswer.PRESENT: "is here and was not asked yet",
    ConsentAnswer.LEFT: "is no longer in the room",
}
_ROLE_WORDS: Mapping[str, str] = {"other": "somebody else"}
_WAY_WORDS: Mapping[str, str] = {"in-person": "in person", "phone": "by phone", "video": "by video"}
_REPRESENTATIVE_WORDS: Mapping[str, str] = {
    "parent": "a parent",
    "guardian": "the guardian",
    "proxy": "a health care proxy",
}
_THINGS: Mapping[str, str] = {"sound": "the recording", "transcript": "its transcript", "draft": "the draft"}
_LANGUAGES: Mapping[str, str] = {"es": "Español", "de": "Deutsch", "fr": "Français", "zh": "中文", "vi": "Tiếng Việt"}


def build_consent(facts: VisitFacts) -> ConsentView:
    """The card of one visit, in whatever state it is."""
    state, standing, patient = State(facts.row.state), facts.standing, facts.consent
    wording = facts.asking.wording
    own = TextView("text", "For the patient", wording.text, None)
    ended = next((one for one in facts.consents if one.answer in NO and one.destroyed), None)
    return ConsentView(
        stage=_choose_stage(state),
        answer=patient.answer.value if patient else None,
        method=patient.method if patient else None,
        everybody=facts.asking.rule == "all-party",
        jurisdiction=facts.asking.title,
        methods=tuple((method, METHOD_WORDS[method]) for method in facts.asking.methods),
        text=own,
        texts=tuple(_list_texts(wording)),
        others=TextView("others", "For somebody else", wording.others or wording.text, None),
        voices=tuple(_build_voice(facts, voice) for voice in standing.voices),
        hindrance=None if standing.may_record else _find_hindrance(standing),
        at_stake=_list_things(_at_stake(facts, state)),
        destroyed=_list_things(ended.destroyed) if ended else "",
        destroyed_at=show_moment(ended.stamp.at, facts.now) if ended else None,
        roles=tuple((role, _ROLE_WORDS.get(role, role)) for role in ROLES),
        representatives=tuple((one, _REPRESENTATIVE_WORDS[one]) for one in REPRESENTATIVES),
        ways=tuple((way, _WAY_WORDS[way]) for way in WAYS),
    )


def _choose_stage(state: State) -> str:
    if state in GIVEN_UP or state is State.LAUNCHED:
        return "over"
    if state in (State.SIGNED, State.FILED, State.AMENDED):
        return "signed"
    return "asking" if state is State.PRIMED else "going"


def _list_texts(wording: Wording) -> Iterator[TextView]:
    """The texts beside the main one, which stand folded away."""
    if wording.proxy:
        yield TextView("proxy", "For who answers for the patient", wording.proxy, None)
    for language, text in (wording.languages or {}).items():
        yield TextView(language, _LANGUAGES.get(language, language), text, language)


def _find_hindrance(standing: Standing) -> str | None:
    """What somebody has to do before a recording; None where the answers on the card say it all."""
    if standing.patient is None or standing.patient.answer in NO:
        return None
    if standing.refusing:
        no = "Somebody in the room said no. Nothing is recorded while they are there:"
        return f"{no} type the visit, or note that they left."
    return "Somebody in the room has not answered yet. Here everybody has to agree before a recording."


def _at_stake(facts: VisitFacts, state: State) -> tuple[str, ...]:
    typed = isinstance(facts.transcript, Transcript) and facts.transcript.origin == "typed"
    held = (
        ("sound", facts.recording is not None or state is State.CAPTURING),
        ("transcript", facts.transcript is not None and not typed),
        ("draft", facts.note is not None and not typed),
    )
    return tuple(thing for thing, there in held if there)


def _list_things(things: tuple[str, ...]) -> str:
    words = [_THINGS[thing] for thing in things if thing in _THINGS]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _build_voice(facts: VisitFacts, voice: Voice) -> VoiceView:
    shown = voice.said if voice.has_left and voice.said is not None else voice.newest
    words = _ANSWERS[shown.answer]
    if voice.has_left and voice.said is not None:
        words += ", and is no longer in the room"
    return VoiceView(
        person_id=shown.person.person_id,
        who=name_person(shown),
        role=shown.person.role,
        label=shown.person.label,
        answer=shown.answer.value,
        words=words,
        details=_describe(facts, shown),
        at=show_moment(voice.newest.stamp.at, facts.now),
        is_patient=shown.person.person_id == PATIENT,
        has_left=voice.has_left,
    )


def _describe(facts: VisitFacts, consent: Consent) -> str:
    """How, through whom, interpreted, asked by whom, with which text; what is not known is left out."""
    launch = facts.launch
    asked_by = launch.practitioner_name if consent.asked_by == launch.practitioner else consent.asked_by
    heard = consent.interpreter
    told = (
        METHOD_WORDS.get(consent.method, consent.method),
        f"answered by {_REPRESENTATIVE_WORDS[consent.answered_by]}" if consent.answered_by else "",
        f"interpreted from {heard.language} {_WAY_WORDS[heard.way]}" if heard else "",
        f"asked by {asked_by}" if asked_by and consent.method else f"noted by {asked_by}" if asked_by else "",
        f"with {name_wording(consent.wording)}" if consent.wording else "",
    )
    return ", ".join(part for part in told if part)
