"""The reading of the chart. In: a ChartReader and the launch's patient and encounter. Out: a PatientContext.

Never writes, never guesses: a part that could not be read says so and is not read as "none".
"""

from __future__ import annotations

from datetime import datetime

from connector.context.answer import ChartReader
from connector.context.mapping import ContextMapping
from connector.records import PatientContext


async def read_context(
    chart: ChartReader, *, patient: str, encounter: str | None, mapping: ContextMapping, now: datetime
) -> PatientContext:
    """Read every section of the chart. `patient` and `encounter` are relative references."""
    raise NotImplementedError
