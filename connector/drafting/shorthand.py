"""Typed shorthand. In: notes typed instead of a recording. Out: statements by section. Never adds a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connector.clinical.lexicon import names_drug
from connector.clinical.quantities import in_figures, settle_corrections
from connector.drafting.blocks import Said
from connector.drafting.statements import Statement

_HEADINGS = {
    "subjective": r"s|subj|subjective|hpi|cc|hx|history",
    "objective": r"o|obj|objective|exam|pe|vitals|vs",
    "assessment": r"a|assess|assessment|imp|impression|dx",
    "plan": r"p|plan|rx|tx|recs?",
}
_HEADING = re.compile(
    r"^(?:" + "|".join(rf"(?P<{key}>{names})" for key, names in _HEADINGS.items()) + r")\s*[:=-]\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"\s*(?:;|\n|(?<=[a-z)%\d])\.(?=\s+\S|\s*$))\s*", re.IGNORECASE)
_COMMA = re.compile(r",(?!\d)\s*|(?<!\d),\s*")
_PLAN = re.compile(
    r"^(?:cont(?:inue)?|inc(?:rease)?|dec(?:rease)?|start|stop|d/?c|hold|rx|add|switch|change|refill|order|"
    r"refer\w*|f/?u (?:in|with|prn|\d+)|supportive care|"
    r"follow[- ]?up (?:in|with)|rtc|return|recheck|check|repeat|schedule|labs? (?:today|ordered)|advised?|"
    r"counsel\w*|educat\w*|"
    r"encourag\w*|plan|titrate|taper|call|avoid|take|give|send|monitor|x-?ray|mri|ct)\b",
    re.IGNORECASE,
)
_OBJECTIVE = re.compile(
    r"^(?:bp|hr|rr|t|temp|wt|ht|bmi|spo2|o2|sat|pulse|afebrile|vss|vs|lungs?|heart|abd(?:omen)?|ext|heent|neuro|cv|"
    r"resp|gen|exam|"
    r"ctab|rrr|a1c|labs?:?|ekg|ecg|cxr|tender|no (?:edema|murmur|wheez\w*|rales|tenderness)|ntnd|skin|msk)\b"
    r"|\b(?:neg|pos|negative|positive|wnl|nl|intact|unremarkable|normal)$",
    re.IGNORECASE,
)
_REFERRED = re.compile(r"\b(?:referral|consult)$", re.IGNORECASE)
_HISTORY = re.compile(
    r"\b(?:c/o|complain\w*|reports?|states?|denies|here for|presents?|since|f/?u|follow-up|home|(?-i:pt|Pt)|"
    r"patient|hx|sx|history)\b",
    re.IGNORECASE,
)
_NEW_HEADING = re.compile(
    r"(?<=\S)[ ]+(?=(?:[SOAP]|HPI|CC|Exam|PE|Vitals|Imp(?:ression)?|Assessment|Plan|Subjective|Objective|Dx|Rx)\s*:)"
)
_ASSESSMENT = re.compile(
    r"\b(?:stable|controlled|uncontrolled|at goal|above goal|not at goal|improv\w+|likely|prob(?:able|ably)?|r/o|"
    r"consistent with|c/w|exacerbation|resolved|suspect\w*)\b|^(?:imp|dx)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"^(?:no|denies|neg(?:ative)? for|w/o|without|nil)\b", re.IGNORECASE)
_LONG_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?<![\w/]){short}(?![\w/])", re.IGNORECASE), full)
    for short, full in (
        (r"htn", "hypertension"),
        (r"f/u", "follow-up"),
        (r"cont", "continue"),
        (r"inc", "increase"),
        (r"dec", "decrease"),
        (r"d/c", "discontinue"),
        (r"bp", "BP"),
        (r"hr", "HR"),
        (r"rr", "RR"),
        (r"c/o", "complains of"),
        (r"w/o", "without"),
        (r"(?-i:pt|Pt)", "patient"),
        (r"rtc", "return to clinic"),
        (r"hx", "history"),
        (r"wks", "weeks"),
        (r"wk", "week"),
        (r"mos", "months"),
        (r"yrs", "years"),
    )
)
_GOES_ON = re.compile(r"^(?:and|or|nor)\b", re.IGNORECASE)


def from_shorthand(turns: Iterable[Said]) -> list[Statement]:
    """Statements of typed turns, in the order typed; a heading ("P:") holds until the next, also over turns.

    Without a heading a piece goes by its own cue, and without a cue to where the one before it went.
    """
    statements: list[Statement] = []
    heading: str | None = None
    last = "subjective"
    for turn in turns:
        for line in _NEW_HEADING.sub("\n", turn.text).splitlines():
            heading, rest = _headed(settle_corrections(line.strip()), heading)
            for piece in _pieces(rest):
                last = heading or _section(piece, last)
                statements.append(Statement(last, _written(piece), (turn.turn_id,)))
    return statements


def _headed(text: str, heading: str | None) -> tuple[str | None, str]:
    match = _HEADING.match(text)
    if not match:
        return heading, text.strip(" ,;.")
    return next(key for key in _HEADINGS if match[key]), match["rest"].strip(" ,;.")


def _pieces(text: str) -> list[str]:
    """Cut at full stops, semicolons, and those commas after which something of its own begins."""
    found: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        listed = False
        for piece in (part.strip(" ,;.") for part in _COMMA.split(sentence)):
            if not any(character.isalnum() for character in piece):
                continue
            if listed and not _own(piece):
                found[-1] = f"{found[-1]}, {piece}"
            else:
                found.append(piece)
            listed = True
    return found


def _own(piece: str) -> bool:
    """Whether a piece stands by itself: it has a cue of its own, a figure or a drug."""
    if _GOES_ON.match(piece):
        return False
    cue = _PLAN.match(piece) or _OBJECTIVE.search(piece) or _ASSESSMENT.search(piece) or _HEADING.match(piece)
    return (
        bool(cue) or any(character.isdigit() for character in piece) or names_drug(piece) or bool(_DENIED.match(piece))
    )


def _section(piece: str, last: str) -> str:
    """By the piece's own cue; without one it goes where the one before it went, and after an assessment to the plan."""
    if _PLAN.match(piece) or _REFERRED.search(piece):
        return "plan"
    if _OBJECTIVE.search(piece):
        return "objective"
    if _ASSESSMENT.search(piece):
        return "assessment"
    if _DENIED.match(piece) or _HISTORY.search(piece):
        return "objective" if last == "objective" and not _HISTORY.search(piece) else "subjective"
    return "plan" if last == "assessment" else last


def _written(piece: str) -> str:
    text = in_figures(piece)
    for pattern, full in _LONG_FORMS:
        text = pattern.sub(full, text)
    return text
