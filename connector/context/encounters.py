"""The encounters a note may belong to. In: a ChartReader and the launch's patient. Out: a Section of a few of them.

Read where the launch named none. Never offers another patient's encounter, nor one that was cancelled or a mistake.
"""

from __future__ import annotations

from datetime import UTC, datetime

from connector.context.answer import ChartReader, FhirAnswer
from connector.context.mapping import OutcomeCodes, SearchPlan
from connector.context.person import read_encounter
from connector.context.searchset import search_chart
from connector.records import EncounterSummary, Section, SectionState

MOST = 5
_PLAN = SearchPlan(
    resource="Encounter",
    parameters={"_sort": "-date", "_count": "20"},
    pages=1,
    optional=("_sort", "_count"),
    newest_first=True,
)
_UNDER_WAY = ("arrived", "triaged", "in-progress", "onleave")
_OFFERED = (*_UNDER_WAY, "planned", "finished", "unknown")
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


async def read_encounters(chart: ChartReader, *, patient: str, codes: OutcomeCodes) -> Section[EncounterSummary]:
    """At most MOST encounters of `patient`: those under way first, and of each kind the newest first.

    One page is read and at most one request made again without its optional parameters (FHIR R4, section 3.1.1).
    """
    found = await search_chart(chart, _PLAN, patient_id=patient.partition("/")[2], codes=codes)
    read = [
        read_encounter(FhirAnswer(200, resource), patient=patient, base=chart.base).items for resource in found.matches
    ]
    mine = [items[0] for items in read if items]
    offered = sorted((one for one in mine if one.status in _OFFERED), key=_rank)
    if not offered and found.state in (SectionState.OK, SectionState.PARTIAL):
        return Section(SectionState.EMPTY, dropped=len(read) - len(mine))
    return Section(found.state, tuple(offered[:MOST]), dropped=len(read) - len(mine), detail=found.detail)


def _rank(encounter: EncounterSummary) -> tuple[bool, float]:
    age = ((encounter.started or _LONG_AGO) - _LONG_AGO).total_seconds()
    return encounter.status not in _UNDER_WAY, -age
