"""Active drugs under the name the chart shows: coded, contained, included, read one by one, or by display."""

from __future__ import annotations

from typing import Any

import pytest

from connector.context.answer import FhirAnswer
from connector.context.mapping import ContextMapping
from connector.context.medications import read_medications
from connector.context.searchset import search_chart
from connector.context.section import UNNAMED
from connector.records import Medication, Section, SectionState

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def request(number: int, **more: Any) -> dict[str, Any]:
    about = {"subject": {"reference": "Patient/p"}}
    return (
        {"resourceType": "MedicationRequest", "id": str(number), "status": "active", "intent": "order"} | about | more
    )


def medication(identity: str, name: str) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": identity, "code": {"text": name, "coding": [{"code": identity}]}}


def pointing(number: int, reference: str, display: str | None = None) -> dict[str, Any]:
    shown = {"display": display} if display else {}
    return request(number, medicationReference={"reference": reference, **shown})


async def read(chart: Any, mapping: ContextMapping, *, reads: int = 20) -> Section[Medication]:
    plan, codes = mapping.searches["medications"], mapping.outcome_codes
    found = await search_chart(chart.reader(), plan, patient_id="p", codes=codes)
    return await read_medications(chart.reader(), found, patient="Patient/p", reads=reads)


async def test_a_coded_drug(chart: Any, mapping: ContextMapping) -> None:
    coding = [{"system": "urn:local", "code": "1"}, {"system": RXNORM, "code": "866427", "display": "metoprolol"}]
    chart.add(request(1, medicationCodeableConcept={"coding": coding}, meta={"versionId": "9"}))
    section = await read(chart, mapping)
    drug = section.items[0]
    assert (section.state, drug.name, drug.code, drug.status) == (
        SectionState.OK,
        "metoprolol",
        f"{RXNORM}|866427",
        "active",
    )
    assert (drug.source.reference, drug.source.version) == ("MedicationRequest/1", "9")


async def test_a_contained_drug(chart: Any, mapping: ContextMapping) -> None:
    chart.add(pointing(1, "#m") | {"contained": [medication("other", "wrong"), medication("m", "tacrolimus 1 MG")]})
    assert (await read(chart, mapping)).items[0].name == "tacrolimus 1 MG"


async def test_an_included_drug_needs_no_further_read(chart: Any, mapping: ContextMapping, searchset: Any) -> None:
    entries = searchset(pointing(1, "Medication/m"), medication("m", "losartan"))
    chart.script("MedicationRequest", FhirAnswer(200, entries))
    assert [drug.name for drug in (await read(chart, mapping)).items] == ["losartan"]
    assert len(chart.requests) == 1


async def test_a_drug_apart_is_read_once_however_often_it_is_named(chart: Any, mapping: ContextMapping) -> None:
    chart.add(*(pointing(number, "Medication/m") for number in range(3)), medication("m", "losartan"))
    assert [drug.name for drug in (await read(chart, mapping)).items] == ["losartan"] * 3
    assert chart.asked("Medication/m") == [{}]


async def test_the_cap_on_reads_leaves_the_display(chart: Any, mapping: ContextMapping) -> None:
    for number in range(3):
        chart.add(
            pointing(number, f"Medication/m{number}", f"shown {number}"), medication(f"m{number}", f"read {number}")
        )
    section = await read(chart, mapping, reads=2)
    assert [drug.name for drug in section.items] == ["read 0", "read 1", "shown 2"]
    assert section.state is SectionState.OK


@pytest.mark.parametrize("answer", [FhirAnswer(403), FhirAnswer(0, None, "timeout"), FhirAnswer(200, {"x": 1})])
async def test_a_drug_that_cannot_be_read_is_named_by_its_display(
    chart: Any, mapping: ContextMapping, answer: FhirAnswer
) -> None:
    chart.add(pointing(1, "Medication/m", "lisinopril 10 mg")).script("Medication/m", answer)
    assert [drug.name for drug in (await read(chart, mapping)).items] == ["lisinopril 10 mg"]


async def test_another_server_is_never_asked(chart: Any, mapping: ContextMapping) -> None:
    chart.add(pointing(1, "https://elsewhere.example.org/Medication/m", "brand"), pointing(2, "Patient/p", "odd"))
    assert [drug.name for drug in (await read(chart, mapping)).items] == ["brand", "odd"]
    assert len(chart.requests) == 1


async def test_an_active_drug_without_a_readable_name_is_not_lost(chart: Any, mapping: ContextMapping) -> None:
    chart.add(pointing(1, "Medication/gone"), request(2, medicationCodeableConcept={"coding": [{"code": "42"}]}))
    section = await read(chart, mapping)
    assert [drug.name for drug in section.items] == [UNNAMED, f"{UNNAMED} (code 42)"]
    assert section.state is SectionState.PARTIAL


async def test_a_mixture_is_named_by_its_ingredients(chart: Any, mapping: ContextMapping) -> None:
    parts = [{"itemCodeableConcept": {"text": "benzocaine"}}, {"itemCodeableConcept": {"text": "menthol"}}]
    chart.add(pointing(1, "Medication/m"), {"resourceType": "Medication", "id": "m", "ingredient": parts})
    assert (await read(chart, mapping)).items[0].name == "benzocaine / menthol"


@pytest.mark.parametrize("more", [{"status": "stopped"}, {"status": "entered-in-error"}, {"doNotPerform": True}])
async def test_what_the_patient_does_not_take_is_dropped(
    chart: Any, mapping: ContextMapping, more: dict[str, Any]
) -> None:
    chart.add(pointing(1, "Medication/m") | more, medication("m", "warfarin"))
    section = await read(chart, mapping)
    assert (section.state, section.items, section.dropped) == (SectionState.EMPTY, (), 1)
    assert chart.asked("Medication/m") == []


@pytest.mark.parametrize(
    ("dosage", "text", "as_needed"),
    [
        ([{"text": "Take as needed.", "asNeededBoolean": True}], "Take as needed.", True),
        ([{"text": "one"}, {"patientInstruction": "two"}], "one; two", False),
        ([{"asNeededCodeableConcept": {"text": "pain"}}], None, True),
        (
            [
                {
                    "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                    "timing": {"repeat": {"frequency": 2, "period": 1.0, "periodUnit": "d"}},
                }
            ],
            "dose 1 tablet, 2 × per 1 d",
            False,
        ),
        ([{"timing": {"code": {"text": "BID"}}}], "BID", False),
        ("junk", None, False),
    ],
)
async def test_dosage_as_written_or_as_structured(
    chart: Any, mapping: ContextMapping, dosage: Any, text: str | None, as_needed: bool
) -> None:
    chart.add(request(1, medicationCodeableConcept={"text": "x"}, dosageInstruction=dosage))
    drug = (await read(chart, mapping)).items[0]
    assert (drug.dosage, drug.as_needed) == (text, as_needed)


@pytest.mark.parametrize("more", [{"reportedBoolean": True}, {"reportedReference": {"reference": "Patient/p"}}])
async def test_what_the_patient_reported_is_marked(chart: Any, mapping: ContextMapping, more: dict[str, Any]) -> None:
    chart.add(request(1, medicationCodeableConcept={"text": "x"}, **more))
    assert (await read(chart, mapping)).items[0].reported
