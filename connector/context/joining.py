"""A list read in two searches made one. In: two Sections of a kind. Out: one.

Never calls the whole complete where the second half was not read, and lists nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from connector.context.searchset import NOT_GRANTED, Found
from connector.context.section import add_reasons
from connector.records import Section, SectionState

Item = TypeVar("Item")
_UNREAD = (SectionState.FORBIDDEN, SectionState.FAILED)


def join_sections(
    section: Section[Item], more: Section[Item], *, found: Found, name: Callable[[Item], str], lacking: str
) -> Section[Item]:
    """`section` with the items of `more` it does not name yet; `found` is how the search for these ended.

    What an EHR does not offer, or did not grant, is not missed. Where it could not be read, `lacking` says so.
    """
    if not found.offered or (more.state is SectionState.FORBIDDEN and found.detail == NOT_GRANTED):
        return section
    known = {name(item).casefold() for item in section.items}
    fresh = tuple(item for item in more.items if name(item).casefold() not in known)
    items = (*section.items, *fresh)
    incomplete = more.state in (*_UNREAD, SectionState.PARTIAL)
    said = dict.fromkeys(part for part in (section.detail, lacking if incomplete else None) if part)
    if section.state in _UNREAD and not items:
        return section
    state = SectionState.PARTIAL if incomplete or section.state in _UNREAD else section.state
    if state is SectionState.EMPTY and items:
        state = SectionState.OK
    return replace(
        section,
        state=state,
        items=items,
        dropped=section.dropped + more.dropped,
        detail=" ".join(said) or None,
        left_out=add_reasons(section.left_out, more.left_out),
    )
