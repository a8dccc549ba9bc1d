"""Narrative of the Composition's sections. In: sentences. Out: XHTML in the form FHIR servers keep unchanged.

Double quotes round attributes, raw Unicode, the core entities only; never a tag or attribute out of the note's text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def write_narrative(lines: Iterable[str]) -> dict[str, Any]:
    """A FHIR Narrative of one paragraph a line; `additional`, for the words are in no coded element (R4 §2.4)."""
    paragraphs = "".join(f"<p>{_escape(line)}</p>" for text in lines for line in text.splitlines() if line.strip())
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
