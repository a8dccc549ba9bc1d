"""The course of a visit. In: its turns in order. Out: statements for a note, each with the turns it rests on.

Never mixes speakers: what the patient says is history, what the clinician says is finding, judgement or order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.clinical.lexicon import is_clinical
from connector.drafting.blocks import Said, VisitData
from connector.drafting.clinician import background_said, finding_said, judgement_said
from connector.drafting.history import denied_in, quoted, told_by_patient, worth_noting
from connector.drafting.orders import phrase_order, split_reason
from connector.drafting.phrases import Pronouns, pronouns_for
from connector.drafting.questions import is_asking_any
from connector.drafting.replies import Reply, is_fragment, read_reply
from connector.drafting.shorthand import from_shorthand
from connector.drafting.sorting import section_of, without_command
from connector.drafting.speech import opens_question, sentences, settled, without_opener
from connector.drafting.statements import Statement, denial

_CLINICIAN = frozenset({"clinician", "doctor", "provider", "physician", "nurse", "practitioner", "therapist"})
_CLAUSE = re.compile(
    r",?\s+(?:and|but|so)\s+(?=(?:i|i'm|i'll|i'd|we|we'll|we're|let's|you|you're|your|it's|there's|that's|then|my|"
    r"please)\b)|;\s+|"
    r",?\s+(?=let's\b)|,\s+(?=(?:i|we)(?:'d| would)? (?:want|like|recommend|suggest|advise)\b)",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"(?:if|when|once|should|unless|because|since)\b", re.IGNORECASE)
_LEANS = re.compile(
    r"(?:it|it's|that|that's|they|they're|this|those|these|once|only|just|not|never|since|about)\b", re.IGNORECASE
)
_LONGEST_WHOLE = 24
_FIRST_ANSWERS = 3
_PHRASED = {
    "subjective": background_said,
    "objective": finding_said,
    "assessment": judgement_said,
    "plan": phrase_order,
}


@dataclass(slots=True)
class _Asked:
    """The clinician's open questions: (turn id, question), until the patient has answered."""

    questions: list[tuple[str, str]] = field(default_factory=list)


def statements_of(visit: VisitData) -> Iterator[Statement]:
    """Every statement the visit yields, in the order it was said."""
    pronouns = pronouns_for(visit.sex)
    asked = _Asked()
    answered = ""
    for turn in visit.turns:
        role = _role(turn)
        if role == "typed":
            yield from from_shorthand(turn)
            continue
        lines = sentences(settled(turn.text))
        if role == "clinician":
            yield from _from_clinician(turn, lines, asked, answered, pronouns)
        elif role == "patient":
            yield from _from_patient(turn, lines, asked, pronouns)
            answered = turn.text if lines else answered
        else:
            yield from _from_other(turn, lines)


def _role(turn: Said) -> str:
    """`clinician`, `patient`, `typed`, or the role as given for anybody else; unnamed speakers by how they speak."""
    role = turn.role.strip().casefold()
    if role in _CLINICIAN:
        return "clinician"
    if role in {"unknown", "speaker", ""} or re.fullmatch(r"(?:speaker[ _-]?)?\w", role):
        addressed = re.search(r"\b(?:you|your)\b", turn.text, re.IGNORECASE)
        return "clinician" if addressed else "patient"
    return role


def _from_clinician(
    turn: Said, lines: list[str], asked: _Asked, answered: str, pronouns: Pronouns
) -> Iterator[Statement]:
    fresh = False
    for line in lines:
        if _is_question(line):
            if not fresh:
                asked.questions.clear()
                fresh = True
            asked.questions.append((turn.turn_id, line))
            continue
        for piece in _pieces(without_command(line)):
            if is_fragment(piece) and _echoes(piece, answered):
                continue
            section = section_of(piece, within=line)
            text = _PHRASED[section](piece, pronouns) if section else None
            if section and text:
                yield Statement(section, text, (turn.turn_id,))
                if not fresh:
                    asked.questions.clear()


def _from_patient(turn: Said, lines: list[str], asked: _Asked, pronouns: Pronouns) -> Iterator[Statement]:
    own = (turn.turn_id,)
    both = (*dict.fromkeys([turn_id for turn_id, _ in _joined_questions(asked)]), *own) if lines else own
    question = _one_question(asked)
    context = is_clinical(question)
    lines, replied = _replied(question, lines, pronouns) if lines else (lines, None)
    if replied:
        if replied.denied:
            yield denial(replied.denied, both)
        if replied.text:
            yield Statement("subjective", replied.text, both)
    if lines or replied:
        asked.questions.clear()
    for line in lines:
        for piece in _clauses(line):
            ids = both if _LEANS.match(without_opener(piece)) else own
            denied = denied_in(piece)
            text = None if denied else told_by_patient(piece, pronouns, context=context)
            if denied:
                yield denial(denied, both)
            elif text and not is_fragment(without_opener(piece)):
                yield Statement("subjective", text, ids)
            context = context or bool(denied or text)


def _replied(question: str, lines: list[str], pronouns: Pronouns) -> tuple[list[str], Reply | None]:
    """The sentences left to be told, and what the first of them that answers the question says with it."""
    if not question:
        return lines, None
    for place, line in enumerate(lines[:_FIRST_ANSWERS]):
        reply = read_reply(question, line, pronouns, first=place == 0)
        if reply:
            rest = [reply.rest] if reply.rest else []
            return [*lines[:place], *rest, *lines[place + 1 :]], reply
    return lines, None


def _from_other(turn: Said, lines: list[str]) -> Iterator[Statement]:
    """Somebody else in the room: in their own words, under their role."""
    for line in lines:
        text = quoted(without_opener(line)) if worth_noting(line) and not line.endswith("?") else None
        if text:
            yield Statement(
                "subjective", f"{turn.role.strip().capitalize()} {text[:1].lower()}{text[1:]}", (turn.turn_id,)
            )


def _is_question(line: str) -> bool:
    if line.endswith("?") or opens_question(line):
        return True
    return is_asking_any(line) and not re.match(r"no\b", without_opener(line), re.IGNORECASE)


def _joined_questions(asked: _Asked) -> list[tuple[str, str]]:
    """The last question, with those before it that ask on in the same way ("any fever? nausea? vomiting?")."""
    kept: list[tuple[str, str]] = []
    if not asked.questions:
        return kept
    for turn_id, question in reversed(asked.questions):
        kept.insert(0, (turn_id, question))
        if not (is_asking_any(question) or is_fragment(without_opener(question).rstrip("?"))):
            break
    if len(kept) > 1 and not is_asking_any(kept[0][1]):
        kept = kept[1:] if is_asking_any(kept[1][1]) else kept[-1:]
    return kept


def _one_question(asked: _Asked) -> str:
    questions = [without_opener(question).rstrip(" ?.,") for _, question in _joined_questions(asked)]
    return ", ".join(questions)


def _pieces(sentence: str) -> list[str]:
    """A clinician's sentence, cut where an order follows a finding or where it runs long."""
    reason, order = split_reason(sentence)
    if reason:
        return [*_pieces(reason), order]
    parts = _split(sentence)
    sections = {section_of(part, within=sentence) for part in parts}
    return parts if len(sentence.split()) > _LONGEST_WHOLE or len(sections) > 1 else [sentence]


def _clauses(sentence: str) -> list[str]:
    """A patient's sentence, cut where it runs long or where one part of it denies something."""
    parts = _split(sentence)
    return parts if len(sentence.split()) > _LONGEST_WHOLE or any(denied_in(part) for part in parts) else [sentence]


def _split(sentence: str) -> list[str]:
    if _CONDITION.match(without_opener(sentence)):
        return [sentence]
    return [part.strip(" ,") for part in _CLAUSE.split(sentence) if part.strip(" ,.")]


def _echoes(piece: str, answered: str) -> bool:
    """The clinician repeats what the patient has just said."""
    words = set(re.findall(r"[^\W_]+", piece.casefold()))
    return bool(words) and words <= set(re.findall(r"[^\W_]+", settled(answered).casefold()))
