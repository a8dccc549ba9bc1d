"""CareTeams to the people who look after a patient. In: what a search found. Out: a Section of CareTeamMember.

Never lists the patient as a member of the team, nor somebody whose name is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.context.accessors import as_object, as_objects, as_text, read_concept, read_reference
from connector.context.searchset import Found
from connector.context.section import sift
from connector.records import CareTeamMember, Section, SectionState, Source

_OVER = ("entered-in-error", "inactive", "suspended")
_Team = tuple[CareTeamMember, ...]


def read_care_team(found: Found, *, patient: str, base: str) -> Section[CareTeamMember]:
    """The members of all teams in force, each once, in the EHR's order."""

    def read(resource: Mapping[str, Any], source: Source) -> _Team | None:
        return None if resource.get("status") in _OVER else _read_members(resource, source, base)

    teams: Section[_Team] = sift(found, patient=patient, base=base, read=read, name=lambda _: "")
    members = {(member.name, member.role): member for team in reversed(teams.items) for member in reversed(team)}
    items = tuple(reversed(members.values()))
    state = SectionState.EMPTY if teams.state is SectionState.OK and not items else teams.state
    return Section(state, items, teams.dropped, teams.detail, teams.left_out)


def _read_members(resource: Mapping[str, Any], source: Source, base: str) -> _Team:
    members = []
    for one in as_objects(resource.get("participant")):
        member = as_object(one.get("member"))
        name, reference = as_text(member.get("display")), read_reference(member, base=base)
        roles = (read_concept(role) for role in as_objects(one.get("role")))
        if name is not None and not (reference or "").startswith("Patient/"):
            members.append(CareTeamMember(source, name, next((role for role in roles if role), None)))
    return tuple(members)
