"""How one visit is transcribed: models, language, domain, speakers. In: settings, chart, consent. Out: an Asking.

What leaves the house about who is in the room is decided here: roles and a number, names only where the site says so.
Never takes the charted language for the one spoken: it is listened for, unless it is the site's own or was asked in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.clients.speech_request import (
    LONGEST_ROLE,
    Detection,
    Redaction,
    SpeakerAsked,
    SpeakerCount,
    SpeechOptions,
)
from connector.consent.standing import Standing, Voice, read_standing
from connector.errors import Misconfigured
from connector.hints.limits import strictest
from connector.records import Consent, ConsentAnswer, DoubtsAnswer, Launch, PatientContext, Recording
from connector.transcript.languages import SpeechModels
from connector.transcript.roles import name_roles
from connector.visit.parts import Parts, Policy, Rules

_TITLES: Mapping[str, str] = {"other": "Other person", "proxy": "Proxy", "guardian": "Guardian"}
_INTERPRETER = "interpreter"
_MAY_BE_SILENT = frozenset({"child", "student", "colleague", "other"})
"""People who are often there without saying a word: they widen the range, and do not move its beginning."""
_DOES: Mapping[str, str] = {
    "interpreter": "Says again in another language what clinician and patient have said.",
    "parent": "Parent of the patient, speaks for or about the patient.",
    "guardian": "Guardian of the patient, speaks for or about the patient.",
    "proxy": "Speaks for or about the patient.",
    "partner": "Partner of the patient, speaks about the patient.",
    "child": "Child of the patient.",
    "carer": "Takes care of the patient, speaks about the patient.",
    "student": "Learns from the clinician.",
    "colleague": "Works with the clinician.",
}
_CLINICIAN_DOES = "Leads the visit: asks, examines, explains and plans."
_PATIENT_DOES = "Is being seen: tells of complaints and answers questions."
_WITHOUT_DOMAIN = "{title} does not have {language}: drugs, doses and conditions said in it are recognised less well."
_UNKNOWN_LANGUAGE = (
    "None of the speech models set here knows {language}, the language the chart names: another one is listened for, "
    "and what is said in {language} may be written down wrong or not at all."
)


@dataclass(frozen=True, slots=True)
class Present:
    """Who and what was known of one visit before its recording was sent. `language` is the patient's as the chart has
    it, `interpreted`: the chart says that an interpreter is needed. `two_sided`: each channel is one side's. `told`:
    the language the clinician said was spoken, after a transcript in another one."""

    standing: Standing = field(default_factory=lambda: Standing(()))
    language: str | None = None
    interpreted: bool = False
    patient: str = ""
    clinician: str = ""
    two_sided: bool = False
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """What is sent, and what a person has to know of it beforehand (`notes`). `names` tells the role of each name that
    was sent; `sides` are the roles of the channels, where each is one side's own; `between` the languages that are
    listened for beside each other, where one is interpreted into the other."""

    options: SpeechOptions
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, ...] = ()
    between: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """What was sent, to be kept with the job: nothing of the patient, and no names."""
        return {
            "models": list(self.options.speech_models),
            "language": self.options.language,
            "domain": self.options.domain,
            "notes": list(self.notes),
            "between": list(self.between),
        }

    def as_told(self, told: Mapping[str, Any]) -> Asking:
        """The same with languages, domain and notes as they were when the job was sent, out of its `told()`."""
        options = replace(self.options, language=told.get("language"), domain=told.get("domain"))
        notes, between = (tuple(str(one) for one in told.get(name) or ()) for name in ("notes", "between"))
        return replace(self, options=options, notes=notes, between=between)


async def ask_for(parts: Parts, visit_id: str) -> Asking:
    """How this visit's recording is transcribed, by what chart, consent and settings say now."""
    newest = await parts.visits.newest(visit_id)
    context, launch, recording = newest.get(PatientContext), newest.get(Launch), newest.get(Recording)
    person = context.patient.items[0] if context is not None and context.patient.items else None
    present = Present(
        standing=read_standing(await parts.visits.history(visit_id, Consent)),
        language=person.language if person else None,
        interpreted=person is not None and person.interpreter,
        patient=person.name if person else "",
        clinician=(launch.practitioner_name if launch else None) or "",
        two_sided=recording is not None and recording.two_sided,
        told=_told_language(recording, newest.get(DoubtsAnswer)),
    )
    return plan_asking(parts.policy, parts.rules, present)


def _told_language(recording: Recording | None, answer: DoubtsAnswer | None) -> str | None:
    """What was said of this recording; what was said of an earlier one means nothing."""
    if recording is None or answer is None or answer.stamp.at < recording.stamp.at:
        return None
    return answer.language


async def recall_asking(parts: Parts, visit_id: str) -> Asking:
    """How this visit's recording was transcribed: language, domain and notes as they were when the job was sent,
    whatever chart, consent and settings say since."""
    asking, told = await ask_for(parts, visit_id), await parts.jobs.asked(visit_id)
    # With a row that was never sent there may stand what is set aside for it, and nothing more.
    return asking.as_told(told) if told and "language" in told else asking


def tell_before(parts: Parts, context: PatientContext | None, consents: Sequence[Consent]) -> tuple[str, ...]:
    """What a clinician has to know before recording: what will be recognised less well, in whole sentences."""
    return ask_before(parts, context, consents).notes


def ask_before(parts: Parts, context: PatientContext | None, consents: Sequence[Consent]) -> Asking:
    """How a recording would be transcribed that is not there yet, by what is known of the visit."""
    person = context.patient.items[0] if context is not None and context.patient.items else None
    present = Present(
        standing=read_standing(consents),
        language=person.language if person else None,
        interpreted=person is not None and person.interpreter,
    )
    return plan_asking(parts.policy, parts.rules, present)


def plan_asking(policy: Policy, rules: Rules, present: Present) -> Asking:
    """The same from what is known already. Raises Misconfigured where settings and mappings do not fit together."""
    known = rules.speech_models
    language, detection, notes = _choose_language(policy, known, present)
    spoken = (language,) if language else detection.expected if detection else ()
    models = _choose_models(policy, known, spoken)
    limits = strictest(rules.keyterms.mapping.limits_for("prerecorded", model) for model in models)
    domain = policy.speech_domain or None
    lacking = [one for one in spoken if domain and not known.has(domain, one)]
    if domain and lacking:
        told = " or ".join(known.name_of(one) for one in lacking)
        notes = (*notes, _WITHOUT_DOMAIN.format(title=known.domains[domain].title, language=told))
        domain = None if len(lacking) == len(spoken) else domain
    roles = name_roles(policy.speech_roles, sides=policy.speech_channels)
    people = () if present.two_sided else _list_people(policy, roles, present)
    named = policy.speech_by_name and bool(people)
    options = SpeechOptions(
        speech_models=models,
        domain=domain,
        roles=policy.speech_roles,
        language=language,
        prompt=policy.speech_prompt,
        exclusive=limits.exclusive,
        prefers=policy.speech_prefers,
        by_channel=present.two_sided,
        detection=detection,
        speakers=people if named or len(people) > len(policy.speech_roles) else (),
        by_name=named,
        count=None if present.two_sided else _count(policy, present),
        entities=policy.speech_entities,
        redaction=_redaction(policy),
    )
    names = {one.name: one.role for one in people} if named else {}
    between = detection.expected if detection is not None and detection.mixed else ()
    return Asking(options, notes, names, roles if present.two_sided else (), between)


def _choose_language(
    policy: Policy, known: SpeechModels, present: Present
) -> tuple[str | None, Detection | None, tuple[str, ...]]:
    """The code to be sent, or how it is found out; and what has to be said of it."""
    if present.told is not None:
        return present.told, None, ()
    setting = policy.speech_language
    if setting not in ("chart", "detect"):
        return setting, None, ()
    detection = Detection(fallback=known.fallback, least_confidence=known.least_confidence)
    read, charted = (_read_out(known, present), known.code_of(present.language)) if setting == "chart" else (None, None)
    between = _interpreted(known, present) if _has_interpreter(present) else ()
    expected = tuple(dict.fromkeys(code for code in (read, charted, *between) if code))
    unknown = [code for code in expected if not known.knowing(policy.speech_models, code)]
    if unknown:
        return None, detection, tuple(_UNKNOWN_LANGUAGE.format(language=known.name_of(code)) for code in unknown)
    if len(expected) == 1 and not between and expected[0] in (read, known.fallback):
        return expected[0], None, ()
    if set(expected) <= {known.fallback}:
        return (known.fallback, None, ()) if read or charted else (None, detection, ())
    expected = tuple(dict.fromkeys((*expected, known.fallback)))
    return None, replace(detection, expected=expected, mixed=bool(between)), ()


def _choose_models(policy: Policy, known: SpeechModels, spoken: Sequence[str]) -> tuple[str, ...]:
    """The models that know all that may be spoken; of several languages those that know one, where none knows all."""
    able = [set(known.knowing(policy.speech_models, one)) for one in spoken]
    if not all(able):
        raise Misconfigured(f"None of CONNECTOR_SPEECH_MODELS knows the language that is set: {', '.join(spoken)}.")
    every = known.knowing(policy.speech_models, None)
    return tuple(model for model in every if all(model in one for one in able)) or every


def _read_out(known: SpeechModels, present: Present) -> str | None:
    """The language the patient was asked in, where the text was read out in another one than the site's own."""
    patient = present.standing.patient
    variant = patient.wording.partition("/")[2] if patient is not None else ""
    return known.code_of(variant)


def _has_interpreter(present: Present) -> bool:
    voices = present.standing.voices
    between = any(voice.newest.person.role == _INTERPRETER and not voice.has_left for voice in voices)
    return present.interpreted or between or any(_interpreting(voice) for voice in voices)


def _interpreted(known: SpeechModels, present: Present) -> tuple[str, ...]:
    """The languages that are interpreted from, as those who asked wrote them, and the chart's."""
    told = [voice.newest.interpreter.language for voice in present.standing.voices if voice.newest.interpreter]
    codes = [known.code_of(one) for one in (*told, present.language)]
    return tuple(dict.fromkeys(code for code in codes if code))


def _interpreting(voice: Voice) -> bool:
    return voice.newest.interpreter is not None


def _agreed(present: Present, *, left: bool = False) -> Iterable[Voice]:
    """Everybody beside the patient who agreed to be recorded, and has not left; with `left` those who have."""
    for voice in present.standing.voices:
        agreed = voice.said is not None and voice.said.answer is ConsentAnswer.GIVEN
        if agreed and not voice.is_patient and voice.has_left is left:
            yield voice


def _count(policy: Policy, present: Present) -> SpeakerCount | None:
    """Two, and everybody who agreed; as a range from those who will hardly be silent to one more than may speak."""
    if policy.speech_speaker_count == "off":
        return None
    others = [voice.newest.person.role for voice in _agreed(present)]
    if _INTERPRETER not in others and any(map(_interpreting, present.standing.voices)):
        others.append(_INTERPRETER)
    everybody = 2 + len(others)
    if policy.speech_speaker_count == "exact":
        return SpeakerCount(everybody, everybody, exact=True)
    silent = sum(role in _MAY_BE_SILENT for role in others) + _patient_is_spoken_for(present)
    beside = len(present.standing.unasked) + len(list(_agreed(present, left=True)))
    return SpeakerCount(max(1, everybody - silent), everybody + 1 + beside)


def _patient_is_spoken_for(present: Present) -> bool:
    patient = present.standing.patient
    return patient is not None and bool(patient.answered_by)


def _list_people(policy: Policy, roles: tuple[str, str], present: Present) -> tuple[SpeakerAsked, ...]:
    """Everybody who may be heard, each under a role of their own: those of the settings, then who agreed, then whoever
    interprets or answered for the patient."""
    clinician, patient = roles
    does = {clinician: _CLINICIAN_DOES, patient: _PATIENT_DOES}
    called = {clinician: present.clinician, patient: present.patient}
    people = [SpeakerAsked(role, called.get(role, ""), does.get(role, "")) for role in policy.speech_roles]
    further = [
        (one.newest.person.role, one.newest.person.label)
        for left in (False, True)
        for one in _agreed(present, left=left)
    ]
    beside = [_INTERPRETER] if any(map(_interpreting, present.standing.voices)) else []
    if present.standing.patient is not None and present.standing.patient.answered_by:
        beside.append(present.standing.patient.answered_by)
    further += [(role, "") for role in beside if role not in {one for one, _ in further}]
    for role, label in further:
        title = _own(_TITLES.get(role, role.capitalize()), taken={one.role for one in people})
        people.append(SpeakerAsked(title, label, _DOES.get(role, "")))
    return tuple(_with_names(people) if policy.speech_by_name else people)


def _own(title: str, *, taken: Collection[str]) -> str:
    """`Partner`; where there is one already, `Partner 2`."""
    every = (title, *(f"{title} {number}" for number in range(2, len(taken) + 2)))
    return next(one for one in every if one not in taken)


def _with_names(people: Iterable[SpeakerAsked]) -> list[SpeakerAsked]:
    """The same, everybody under a name of their own that is short enough: where there is none, under the role."""
    named: list[SpeakerAsked] = []
    for one in people:
        name, taken = " ".join(one.name.split()), {other.name for other in named}
        usable = 0 < len(name) <= LONGEST_ROLE and name not in taken
        named.append(replace(one, name=name if usable else _own(one.role, taken=taken)))
    return named


def _redaction(policy: Policy) -> Redaction | None:
    if not policy.redaction_policies:
        return None
    return Redaction(policy.redaction_policies, policy.redaction_substitution, policy.redaction_audio)
