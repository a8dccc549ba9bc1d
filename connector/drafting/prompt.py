"""The request to the model. In: note type, transcript, chart text, templates. Out: chat messages.

Speech goes in as JSON with < > & escaped, the chart as chart_text.py writes it, so nothing said or charted can close
the block it stands in. Never adds anything of the patient's that chart_text.py held back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector.drafting.blocks import MISSING
from connector.drafting.chart_text import ChartText
from connector.drafting.note_type import NoteType
from connector.drafting.plain import plain_lines, plain_text
from connector.errors import Misconfigured
from connector.records import Transcript

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
LONGEST_MAKER = 120
"""Characters of a stamp's maker that the store has room for."""
_VERSION = re.compile(r"\{# version ([1-9]\d{0,5}) #\}\n")


@dataclass(frozen=True, slots=True)
class PromptTemplates:
    """The two compiled templates of a note type; `version`, such as `prompts/soap@2`, goes into the draft's stamp."""

    system: Template
    user: Template
    version: str

    @classmethod
    def from_sources(cls, system: str, user: str, name: str) -> PromptTemplates:
        """Compiles jinja2 text (system: `title`, `sections`; user: `title`, `visit`, `chart`, `transcript`).

        Each begins with the line `{# version N #}`, the same in both. Raises Misconfigured where that line is missing
        or differs, and where a template does not parse.
        """
        version = f"prompts/{name}@{template_version(system, user, name)}"
        # Prompts are text, not HTML: what goes in has its own escaping.
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        try:
            return cls(environment.from_string(system), environment.from_string(user), version)
        except TemplateError as error:
            raise Misconfigured(f"templates/prompts: a template of {version} does not parse") from error


def template_version(system: str, user: str, name: str) -> int:
    """The version both templates of a prompt begin with; raises Misconfigured where they do not."""
    found = [_VERSION.match(text) for text in (system, user)]
    versions = {int(one[1]) for one in found if one}
    if None in found or len(versions) != 1:
        raise Misconfigured(f"templates/prompts: both of {name} have to begin with the same {{# version N #}}")
    return versions.pop()


def name_maker(note_type: NoteType, templates: PromptTemplates, chart: ChartText) -> str:
    """What a draft's stamp says it was made by: versions of note type, prompt, chart text and the chart's reading."""
    return f"drafting/{note_type.maker}+{templates.version}+{chart.version}"[:LONGEST_MAKER]


def build_messages(
    *,
    note_type: NoteType,
    transcript: Transcript,
    chart: ChartText,
    consent_line: str,
    templates: PromptTemplates,
) -> list[dict[str, str]]:
    """Two chat messages, system and user, as `{"role", "content"}`; raises Misconfigured on an unknown variable."""
    try:
        system = templates.system.render(title=note_type.title, sections=note_type.sections)
        user = templates.user.render(
            title=note_type.title,
            visit=_fenced(_visit(transcript, consent_line)),
            chart=chart.text,
            transcript=_turn_lines(transcript),
        )
    except TemplateError as error:
        raise Misconfigured(
            f"templates/prompts: a template of {templates.version} asks for an unknown value"
        ) from error
    return [{"role": "system", "content": system.strip()}, {"role": "user", "content": user.strip()}]


def _fenced(data: object) -> str:
    """JSON in which no `<`, `>` or `&` stands, so that it cannot close or open a block."""
    return json.dumps(data, ensure_ascii=False, separators=(", ", ": ")).translate(_ESCAPES)


def _turn_lines(transcript: Transcript) -> str:
    """A JSON array with one turn per line, which both people and models read better than one long line."""
    lines = []
    for place, turn in enumerate(transcript.turns):
        line: dict[str, object] = {"id": turn.turn_id, "role": plain_text(turn.role), "text": plain_lines(turn.text)}
        if marks := transcript.marks_before(place):
            line[MISSING] = [f"{mark.kind} {mark.missing_ms // 1000} s" for mark in marks]
        lines.append(_fenced(line))
    return "[\n" + ",\n".join(lines) + "\n]"


def _visit(transcript: Transcript, consent_line: str) -> dict[str, object]:
    return {
        "capture": transcript.origin,
        "consent": plain_text(consent_line),
        "transcript_warnings": [plain_text(warning) for warning in transcript.warnings],
    }
