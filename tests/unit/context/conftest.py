"""A chart that answers as an EHR does: searches by type and patient, pages, scripted answers, a log of requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.context.answer import ChartReader, FhirAnswer
from connector.context.mapping import ContextMapping

ROOT = Path(__file__).parents[3]
BASE = "https://ehr.example.org/fhir"


def in_category(resource: Mapping[str, Any], category: str) -> bool:
    concepts = resource.get("category", [])
    codings = [coding for concept in concepts if isinstance(concept, dict) for coding in concept.get("coding", [])]
    return not {coding.get("code") for coding in codings}.isdisjoint(category.split(","))


@dataclass
class Chart:
    """Resources by reference, answered in pages of `page_size`; `scripted` answers go first, by path or link."""

    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    scripted: dict[str, list[FhirAnswer]] = field(default_factory=dict)
    page_size: int = 1000
    delay: float = 0.0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def add(self, *resources: dict[str, Any]) -> Chart:
        for resource in resources:
            self.resources[f"{resource['resourceType']}/{resource['id']}"] = resource
        return self

    def script(self, path: str, *answers: FhirAnswer) -> Chart:
        self.scripted.setdefault(path, []).extend(answers)
        return self

    def asked(self, path: str) -> list[dict[str, str]]:
        return [parameters for asked, parameters in self.requests if asked == path]

    def reader(self) -> ChartReader:
        return ChartReader(base=BASE, read=self._read, follow=self._follow)

    async def _read(self, path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        return await self._answer(path, dict(parameters), offset=0)

    async def _follow(self, link: str) -> FhirAnswer:
        path, _, offset = link.removeprefix(f"{BASE}/").partition("?at=")
        if self.scripted.get(link):
            self.requests.append((link, {}))
            return self.scripted[link].pop(0)
        return await self._answer(path, {}, offset=int(offset or 0))

    async def _answer(self, path: str, parameters: dict[str, str], *, offset: int) -> FhirAnswer:
        self.requests.append((path, parameters))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.delay)
        self.under_way -= 1
        if self.scripted.get(path):
            return self.scripted[path].pop(0)
        if "/" in path:
            found = self.resources.get(path)
            return FhirAnswer(200, found) if found else FhirAnswer(404, {"resourceType": "OperationOutcome"})
        return self._page(path, parameters, offset)

    def _page(self, kind: str, parameters: dict[str, str], offset: int) -> FhirAnswer:
        found = [resource for resource in self.resources.values() if resource["resourceType"] == kind]
        if "category" in parameters and kind == "Observation":
            found = [resource for resource in found if in_category(resource, parameters["category"])]
        page = found[offset : offset + self.page_size]
        link = []
        if offset + self.page_size < len(found):
            link = [{"relation": "next", "url": f"{BASE}/{kind}?at={offset + self.page_size}"}]
        return FhirAnswer(200, bundle(*page, link=link))


def bundle(*resources: Mapping[str, Any], link: list[dict[str, str]] | None = None) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "link": link or [], "entry": entries}


@pytest.fixture
def chart() -> Chart:
    """A chart with nothing in it."""
    return Chart()


@pytest.fixture
def searchset() -> Callable[..., dict[str, Any]]:
    """Makes a searchset Bundle of resources, with `link` where given."""
    return bundle


@pytest.fixture(scope="session")
def raw_mapping() -> dict[str, Any]:
    """mappings/context.yaml as parsed."""
    return dict(yaml.safe_load((ROOT / "mappings" / "context.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def mapping(raw_mapping: dict[str, Any]) -> ContextMapping:
    """The context mapping the product ships."""
    return ContextMapping.from_dict(raw_mapping)


@pytest.fixture(scope="session")
def bundled() -> Callable[[str], list[dict[str, Any]]]:
    """The resources of one of the bundled patients, by the patient's first name."""

    def load(name: str) -> list[dict[str, Any]]:
        text = (ROOT / "smart-launch" / "patients" / f"{name}.json").read_text(encoding="utf-8")
        return [entry["resource"] for entry in json.loads(text)["entry"]]

    return load
