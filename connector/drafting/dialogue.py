"""The course of a visit. In: its turns in order. Out: statements for a note, each with the turns it rests on.

Never mixes speakers: what the patient says is history, what the clinician says is finding, judgement or order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from connector.clinical.lexicon import is_clinical
from connector.drafting.blocks import Said, VisitData
from connector.drafting.clinician import background_said, finding_said, judgement_said
from connector.drafting.history import denied_in, quoted, told_by_patient, worth_noting
from connector.drafting.orders import phrase_order, split_reason
from connector.drafting.phrases import Pronouns, from_patient, pronouns_for
from connector.drafting.questions import is_asking_any
from connector.drafting.replies import Reply, asks_twice, is_fragment, read_reply
from connector.drafting.shorthand import from_shorthand
from connector.drafting.sorting import section_of, without_command
from connector.drafting.speech import opens_question, sentences, settled, without_opener
from connector.drafting.statements import Statement, denial

_CLINICIAN = frozenset(
    {"clinician", "doctor", "provider", "physician", "nurse", "practitioner", "therapist", "dr", "md"}
)
_NOBODY = re.compile(r"(?:(?:unknown|unknown speaker|speaker)[ _-]*\w{0,3}|[a-z?]|\d{1,3}|)")
_ADDRESSING = re.compile(r"\b(?:you|your|you're|you've)\b|\?", re.IGNORECASE)
_OWN = re.compile(r"\b(?:i|i'm|i've|my|me)\b", re.IGNORECASE)
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
_REFERS = re.compile(r"\b(?:it|them|this|those|these|one|ones)\b", re.IGNORECASE)
_LONGEST_WHOLE = 24
_SHORT_DENIAL = re.compile(r"(?:never|not)\b[\w' -]{2,40}[.!]?", re.IGNORECASE)
_FIRST_ANSWERS = 3
_PHRASED = {
    "subjective": background_said,
    "objective": finding_said,
    "assessment": judgement_said,
    "plan": phrase_order,
}


def statements_of(visit: VisitData) -> Iterator[Statement]:
    """Every statement the visit yields, in the order it was said; what was typed comes first."""
    course = _Course(pronouns_for(visit.sex))
    roles = _roles(visit.turns)
    yield from from_shorthand(turn for turn in visit.turns if roles[turn.role] == "typed")
    for turn in visit.turns:
        role = roles[turn.role]
        if turn.after_gap:
            # What was asked before something was missed is not what is answered after it.
            course = _Course(course.pronouns)
        lines = sentences(settled(turn.text)) if role != "typed" else []
        if role == "clinician":
            yield from course.clinician_says(turn, lines)
        elif role == "patient":
            yield from course.patient_says(turn, lines)
        else:
            yield from _other_says(turn, lines)


def _roles(turns: Sequence[Said]) -> dict[str, str]:
    """Each role label as `clinician`, `patient`, `typed` or itself; a label that names nobody by how it is used."""
    roles: dict[str, str] = {}
    for label in dict.fromkeys(turn.role for turn in turns):
        plain = label.strip().casefold()
        if plain in _CLINICIAN:
            roles[label] = "clinician"
        elif _NOBODY.fullmatch(plain):
            spoken = " ".join(turn.text for turn in turns if turn.role == label)
            asks = len(_ADDRESSING.findall(spoken)) > len(_OWN.findall(spoken))
            roles[label] = "clinician" if asks else "patient"
        else:
            roles[label] = plain
    return roles


@dataclass(slots=True)
class _Course:
    """Where the conversation stands: the clinician's open questions as (turn id, question), the last answer."""

    pronouns: Pronouns
    questions: list[tuple[str, str]] = field(default_factory=list)
    answered: str = ""

    def clinician_says(self, turn: Said, lines: list[str]) -> Iterator[Statement]:
        """Findings, judgements, orders and recalled history; questions are kept for the answer."""
        asked = False
        for line in lines:
            if _is_question(line):
                if not asked:
                    self.questions.clear()
                asked = True
                self.questions.append((turn.turn_id, line))
                continue
            for statement in self._told_by_clinician(turn.turn_id, line):
                yield statement
                if not asked:
                    self.questions.clear()

    def _told_by_clinician(self, turn_id: str, line: str) -> Iterator[Statement]:
        for piece in _pieces(without_command(line)):
            if is_fragment(piece) and _echoes(piece, self.answered):
                continue
            section = section_of(piece, within=line)
            text = _PHRASED[section](piece, self.pronouns) if section else None
            if section and text:
                yield Statement(section, text, (turn_id,))

    def patient_says(self, turn: Said, lines: list[str]) -> Iterator[Statement]:
        """History: what the patient answers to the open question, then what the patient tells."""
        if not lines:
            return
        joined = _joined_questions(self.questions)
        question = ", ".join(without_opener(text).rstrip(" ?.,") for _, text in joined)
        both = tuple(dict.fromkeys([*(turn_id for turn_id, _ in joined), turn.turn_id]))
        lines, reply = _replied(question, lines, self.pronouns)
        if reply and reply.denied:
            yield denial(reply.denied, both)
        if reply and reply.text:
            yield Statement("subjective", reply.text, both)
        self.questions.clear()
        self.answered = turn.text
        yield from self._told_by_patient((turn.turn_id,), both, lines, context=is_clinical(question))

    def _told_by_patient(
        self, own: tuple[str, ...], both: tuple[str, ...], lines: list[str], *, context: bool
    ) -> Iterator[Statement]:
        first = True
        for piece in (piece for line in lines for piece in _clauses(line)):
            denied = denied_in(piece)
            text = None if denied else told_by_patient(piece, self.pronouns, context=context)
            if denied:
                yield denial((_of_patient(item, self.pronouns) for item in denied), both)
            elif text and not is_fragment(without_opener(piece)):
                leans = _LEANS.match(without_opener(piece)) or (first and _REFERS.search(piece))
                yield Statement("subjective", text, both if leans else own)
            context = context or bool(denied or text)
            first = first and not text


def _of_patient(item: str, pronouns: Pronouns) -> str:
    """`blood in my stool` → `blood in her stool`."""
    turned = from_patient(f"any {item}", pronouns)
    return turned.rstrip(".")[len("any ") :] if turned else item


def _other_says(turn: Said, lines: list[str]) -> Iterator[Statement]:
    """Somebody else in the room: in their own words, under their role."""
    speaker = turn.role.strip().replace("_", " ").capitalize()
    for line in lines:
        text = quoted(without_opener(line)) if worth_noting(line) and not line.endswith("?") else None
        if text:
            yield Statement("subjective", f"{speaker} {text[:1].lower()}{text[1:]}", (turn.turn_id,))


def _replied(question: str, lines: list[str], pronouns: Pronouns) -> tuple[list[str], Reply | None]:
    """The sentences left to be told, and what the first of them that answers the question says with it."""
    for place, line in enumerate(lines[:_FIRST_ANSWERS] if question else []):
        reply = read_reply(question, line, pronouns, first=place == 0)
        if reply:
            rest = [reply.rest] if reply.rest else []
            later = lines[place + 1 :]
            if asks_twice(question) and reply.text:
                # "How long, and ever at rest?": a short denial further on answers the second half.
                denials = [line for line in later if _SHORT_DENIAL.fullmatch(line)]
                reply = replace(reply, text="; ".join([reply.text.rstrip("."), *map(small_end, denials)]) + ".")
                later = [line for line in later if line not in denials]
            return [*lines[:place], *rest, *later], reply
    return lines, None


def small_end(line: str) -> str:
    """A denial as the end of a sentence: `Never at rest.` → `never at rest`."""
    return line[:1].lower() + line[1:].rstrip(" .!")


def _is_question(line: str) -> bool:
    if line.endswith("?") or opens_question(line):
        return True
    return is_asking_any(line) and not re.match(r"no\b", without_opener(line), re.IGNORECASE)


def _joined_questions(questions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The last question, with those before it that ask on in the same way ("any fever? nausea? vomiting?")."""
    kept: list[tuple[str, str]] = []
    for turn_id, question in reversed(questions):
        kept.insert(0, (turn_id, question))
        if not (is_asking_any(question) or is_fragment(without_opener(question).rstrip("?"))):
            break
    if len(kept) > 1 and not is_asking_any(kept[0][1]):
        kept = kept[1:] if is_asking_any(kept[1][1]) else kept[-1:]
    return kept


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
