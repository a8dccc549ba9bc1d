"""Charts read from their bundles, without a server. In: a bundle's file. Out: the PatientContext a launch would get.

The reading is the product's own; only the reader answers from memory, by type and category, in one page.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.assets.catalogue import load_mapping
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import Subject, complete_context, read_context
from connector.context.mapping import ContextMapping
from connector.records import PatientContext

_BASE = "https://ehr.example.org/fhir"


@dataclass(frozen=True)
class Bundled:
    """The resources of one chart, by relative reference."""

    resources: Mapping[str, Mapping[str, Any]]

    @classmethod
    def load(cls, file: Path) -> "Bundled":
        """A transaction Bundle; its urn:uuid references are made relative, as a server does."""
        bundle = json.loads(file.read_text(encoding="utf-8"))
        places = {
            entry.get("fullUrl", ""): f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            for entry in bundle["entry"]
        }
        resources = [_made_relative(entry["resource"], places) for entry in bundle["entry"]]
        return cls({f"{one['resourceType']}/{one['id']}": one for one in resources})

    def read(self, *, now: datetime) -> PatientContext:
        """Both stages of the reading of its one patient."""
        patient = next(reference for reference in self.resources if reference.startswith("Patient/"))
        mapping = ContextMapping.from_dict(load_mapping("context.yaml"))
        chart = ChartReader(base=_BASE, read=self._answer, follow=self._follow)

        async def stages() -> PatientContext:
            first = await read_context(chart, patient=patient, encounter=None, mapping=mapping, now=now)
            return await complete_context(chart, first, subject=Subject(patient, None), mapping=mapping, now=now)

        return asyncio.run(stages())

    async def _answer(self, path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        if "/" in path:
            found = self.resources.get(path)
            return FhirAnswer(200, found) if found else FhirAnswer(404)
        wanted = [one for one in self.resources.values() if one["resourceType"] == path]
        if path == "Observation":
            categories = set(parameters.get("category", "").split(","))
            wanted = [one for one in wanted if categories & _categories(one)]
        if path == "MedicationRequest":
            wanted += [one for one in self.resources.values() if one["resourceType"] == "Medication"]
        entries = [{"resource": one} for one in wanted]
        return FhirAnswer(200, {"resourceType": "Bundle", "type": "searchset", "entry": entries})

    async def _follow(self, link: str) -> FhirAnswer:
        return FhirAnswer(404)


def _categories(resource: Mapping[str, Any]) -> set[str]:
    return {coding.get("code", "") for one in resource.get("category", []) for coding in one.get("coding", [])}


def _made_relative(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _made_relative(inner, places) for key, inner in value.items()}
    if isinstance(value, list):
        return [_made_relative(inner, places) for inner in value]
    return places.get(value, value) if isinstance(value, str) and value.startswith("urn:uuid:") else value
