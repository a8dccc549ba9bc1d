"""The chart as the model reads it. In: a PatientContext, a budget. Out: ChartText: compact, labelled, versioned lines.

Never says "none" for what is unread or unrecorded, never lets chart text begin a line, and tells how much it left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.drafting.chart_entries import EntryWriter
from connector.drafting.plain import plain_text
from connector.drafting.prior_note import tell_last_note
from connector.drafting.quoting import quote
from connector.drafting.tokens import estimate_tokens
from connector.records import PatientContext, SectionState

FORM_VERSION = 1
"""Version of this form: raised whenever a line comes to mean something else."""
SECTIONS = (
    "patient",
    "encounter",
    "medications",
    "allergies",
    "problems",
    "vitals",
    "labs",
    "assessments",
    "immunizations",
    "procedures",
    "care_team",
    "appointments",
    "goals",
    "care_plans",
    "orders",
    "notes",
)
"""The order of the sections in the text, by their names in the record."""
_KEPT_LONGEST = (
    "patient",
    "allergies",
    "medications",
    "problems",
    "encounter",
    "vitals",
    "labs",
    "orders",
    "assessments",
    "procedures",
    "care_plans",
    "goals",
    "appointments",
    "immunizations",
    "care_team",
    "notes",
)
_MAKER_SHOWN = 80
_STATES = {
    SectionState.OK: "read completely",
    SectionState.EMPTY: 'read, nothing recorded (which is not "none")',
    SectionState.PARTIAL: "read in part, there may be more",
    SectionState.FORBIDDEN: "not allowed to be read, unknown",
    SectionState.FAILED: "could not be read, unknown",
    SectionState.PENDING: "not read yet, unknown",
}
_NONE_KNOWN = "the chart states no known allergies"
_CONTRADICTION = 'contradictory, both "no known" and entries'
_RESERVED = "; 99999 of 99999 entries, 99999 left out for space"


@dataclass(frozen=True, slots=True)
class ChartBudget:
    """Tokens, as estimate_tokens counts them: `chart` for everything but the last note's text, `note` for that.

    The defaults leave room for rules, a talk of a quarter of an hour and its note in a window of 16,000 tokens.
    """

    chart: int = 6000
    note: int = 1000

    LEAST_CHART = 1000
    LEAST_NOTE = 100

    def __post_init__(self) -> None:
        """Raises ValueError for a budget that could not even hold the sections' states."""
        if self.chart < self.LEAST_CHART or self.note < self.LEAST_NOTE:
            raise ValueError("the budget for the chart is too small")


@dataclass(frozen=True, slots=True)
class ChartText:
    """The text, the version that goes into the draft's stamp, entries left out, and its estimated tokens."""

    text: str
    version: str
    left_out: int
    tokens: int


def write_chart(context: PatientContext, budget: ChartBudget) -> ChartText:
    """The whole chart within the budget; what does not fit is cut from the least weighty section upwards.

    A section cut short takes everything less weighty with it, so that drugs, allergies and problems go last.
    """
    writer = EntryWriter.of(context)
    lines = {section: writer.lines(context, section) for section in SECTIONS}
    maker = quote(context.stamp.maker, _MAKER_SHOWN)
    first = f"chart text {FORM_VERSION} | read {context.stamp.at:%Y-%m-%d} | {maker}"
    states = {section: f"== {section.replace('_', ' ')}: {_say_state(context, section)}" for section in SECTIONS}
    spent = _cost([first]) + _cost([header + (_RESERVED if lines[name] else "") for name, header in states.items()])
    kept = _fit(lines, budget.chart - spent)
    told = [first]
    for section in SECTIONS:
        told.append(states[section] + _count(kept[section], len(lines[section])))
        told += lines[section][: kept[section]]
    told += tell_last_note(context.notes, writer.withholding, names_known=bool(context.patient.items), most=budget.note)
    return ChartText(
        text="\n".join(told),
        version=f"chart-text@{FORM_VERSION}+{plain_text(context.stamp.maker).removeprefix('context/')}",
        left_out=sum(len(lines[section]) - kept[section] for section in SECTIONS),
        tokens=_cost(told),
    )


def _say_state(context: PatientContext, section: str) -> str:
    part = getattr(context, section)
    stated = [item.none_known for item in part.items] if section == "allergies" else []
    read = _STATES[SectionState.EMPTY if part.state is SectionState.OK and not part.items else part.state]
    if any(stated):
        return f"{read}; {_NONE_KNOWN if all(stated) else _CONTRADICTION}"
    return read


def _fit(lines: dict[str, list[str]], room: int) -> dict[str, int]:
    """How many lines of each section fit into `room` tokens."""
    kept = dict.fromkeys(SECTIONS, 0)
    for section in _KEPT_LONGEST:
        for line in lines[section]:
            room -= _cost([line])
            if room < 0:
                return kept
            kept[section] += 1
    return kept


def _count(kept: int, held: int) -> str:
    if kept < held:
        return f"; {kept} of {held} entries, {held - kept} left out for space"
    return ""


def _cost(lines: Sequence[str]) -> int:
    """Tokens of lines, the line ends included."""
    return sum(estimate_tokens(line) + 1 for line in lines)
