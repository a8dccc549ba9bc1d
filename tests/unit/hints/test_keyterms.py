"""Keyterms: ranked, distinct, within the limits, never without an origin."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connector.hints.keyterms import derive_hints
from connector.hints.limits import TermLimits
from connector.records import (
    Allergy,
    CareTeamMember,
    ChartEntry,
    EncounterSummary,
    Medication,
    PersonSummary,
    Problem,
    Section,
    SectionState,
    Source,
    SpeechHints,
    Withheld,
)
from tests.unit.hints.conftest import NOW


def texts(hints: SpeechHints) -> list[str]:
    return [keyterm.text for keyterm in hints.keyterms]


def drugs(*names: str) -> Section[Medication]:
    listed = tuple(Medication(Source(f"MedicationRequest/{n}"), name, "active") for n, name in enumerate(names))
    return Section(SectionState.OK, listed)


def problems(*names: str) -> Section[Problem]:
    return Section(SectionState.OK, tuple(Problem(Source(f"Condition/{n}"), name) for n, name in enumerate(names)))


def test_drugs_come_before_allergens_problems_and_people(chart, rules, make_setting) -> None:
    hints = derive_hints(chart, rules, setting=make_setting(clinician="Dr. Ann Lee"), now=NOW)
    first = [texts(hints).index(one) for one in ("metoprolol", "lisinopril", "hypertension", "Ann Lee")]
    assert first == sorted(first)
    assert set(texts(hints)) == {
        "metoprolol", "metoprolol succinate", "lisinopril", "hypertension", "high blood pressure", "Ann Lee", "Lee",
    }  # fmt: skip


def test_every_chart_term_names_the_entry_it_comes_from_and_its_origin(chart, rules, make_setting) -> None:
    terms = {one.text: one for one in derive_hints(chart, rules, setting=make_setting(), now=NOW).keyterms}
    assert terms["metoprolol"].sources == (Source("MedicationRequest/1", "3"),)
    assert terms["lisinopril"].sources == (Source("AllergyIntolerance/2", "1"),)
    assert terms["hypertension"].sources == (Source("Condition/3", "2"),)
    assert {one.origin for one in terms.values()} == {"chart"}


def test_one_term_of_several_entries_stands_once_with_all_sources(make_context, rules, make_setting) -> None:
    context = make_context(
        medications=drugs("lisinopril 10 MG Oral Tablet", "LISINOPRIL 20 MG Oral Tablet"),
        allergies=Section(SectionState.OK, (Allergy(Source("AllergyIntolerance/3"), "Lisinopril"),)),
    )
    (term,) = derive_hints(context, rules, setting=make_setting(), now=NOW).keyterms
    assert (term.text, term.kind) == ("lisinopril", "drug")
    assert [one.reference for one in term.sources] == [
        "MedicationRequest/0", "MedicationRequest/1", "AllergyIntolerance/3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("hydrOXYzine HCl 25 mg Tab", "hydroxyzine pamoate 25 MG Oral Capsule"), "hydroxyzine"),
        (("Lantus 100 unit/mL pen", "insulin glargine (LANTUS) 100 unit/mL"), "Lantus"),
    ],
)
def test_case_salt_and_tall_letters_make_no_second_term(names, said, make_context, rules, make_setting) -> None:
    found = texts(derive_hints(make_context(medications=drugs(*names)), rules, setting=make_setting(), now=NOW))
    assert [one for one in found if one.casefold() == said.casefold()] == [said]


def test_a_plural_makes_no_second_term(make_context, rules, make_setting) -> None:
    found = texts(
        derive_hints(
            make_context(problems=problems("Nasal polyps", "nasal polyp")), rules, setting=make_setting(), now=NOW
        )
    )
    assert found == ["nasal polyps"]


def test_what_does_not_fit_is_cut_from_the_end_and_counted(chart, rules, make_setting) -> None:
    whole = derive_hints(chart, rules, setting=make_setting(), now=NOW)
    cut = derive_hints(chart, rules, setting=make_setting(2), now=NOW)
    assert cut.keyterms == whole.keyterms[:2]
    assert (cut.limit, cut.left_out) == (2, len(whole.keyterms) - 2)


def test_a_term_too_long_for_the_target_and_a_list_too_long_in_all_are_cut(chart, rules, make_setting) -> None:
    short = replace(make_setting(), limits=TermLimits(100, 6, characters=12))
    assert set(texts(derive_hints(chart, rules, setting=short, now=NOW))) == {
        "metoprolol",
        "lisinopril",
        "hypertension",
    }
    little = replace(make_setting(), limits=TermLimits(100, 6, characters_in_all=20))
    assert sum(map(len, texts(derive_hints(chart, rules, setting=little, now=NOW)))) <= 20


@pytest.mark.parametrize("state", [SectionState.FAILED, SectionState.FORBIDDEN, SectionState.EMPTY])
def test_a_section_without_entries_yields_nothing(make_context, rules, make_setting, state) -> None:
    assert derive_hints(make_context(medications=Section(state)), rules, setting=make_setting(), now=NOW).keyterms == ()


def test_no_known_allergies_and_refuted_allergies_are_no_terms(make_context, rules, make_setting) -> None:
    none = Allergy(Source("AllergyIntolerance/1"), "No known allergies", none_known=True)
    refuted = Allergy(Source("AllergyIntolerance/2"), "Aspirin", verification="refuted")
    context = make_context(allergies=Section(SectionState.OK, (none, refuted)))
    assert derive_hints(context, rules, setting=make_setting(), now=NOW).keyterms == ()


def test_what_is_no_matter_of_health_and_names_too_long_are_left_out(make_context, rules, make_setting) -> None:
    long = "Some finding of seven words or even more (finding)"
    context = make_context(problems=problems("Full-time employment (finding)", long, "Anemia (disorder)"))
    assert texts(derive_hints(context, rules, setting=make_setting(), now=NOW)) == ["anemia"]


def test_a_rare_name_a_recent_one_and_one_with_a_sound_alike_go_first(make_context, rules, make_setting) -> None:
    old, new = date(2020, 1, 1), date(2026, 11, 1)
    listed = (
        Medication(Source("MedicationRequest/1"), "aspirin 81 MG Oral Tablet", "active", authored=new),
        Medication(Source("MedicationRequest/2"), "fenofibrate 160 MG Oral Tablet", "active", authored=old),
        Medication(Source("MedicationRequest/3"), "rimegepant 75 MG", "active", authored=new),
        Medication(Source("MedicationRequest/4"), "tramadol 50 MG Oral Tablet", "active", authored=old),
    )
    context = make_context(medications=Section(SectionState.OK, listed))
    order = texts(derive_hints(context, rules, setting=make_setting(), now=NOW))
    assert order == ["tramadol", "rimegepant", "fenofibrate", "aspirin"]


def test_what_this_clinician_ordered_goes_before_what_another_did(make_context, rules, make_setting) -> None:
    listed = (
        Medication(Source("MedicationRequest/1"), "fenofibrate 160 MG", "active", requester="Practitioner/other"),
        Medication(Source("MedicationRequest/2"), "rimegepant 75 MG", "active", requester="Practitioner/me"),
    )
    context = make_context(medications=Section(SectionState.OK, listed))
    mine = derive_hints(context, rules, setting=make_setting(practitioner="Practitioner/me"), now=NOW)
    assert texts(mine) == ["rimegepant", "fenofibrate"]


def test_orders_procedures_and_the_care_team_are_heard_of(make_context, rules, make_setting) -> None:
    order = ChartEntry(Source("ServiceRequest/1"), "Hemoglobin A1c/Hemoglobin.total in Blood", "active")
    procedure = ChartEntry(Source("Procedure/1"), "Colonoscopy (procedure)", "completed")
    context = make_context(
        orders=Section(SectionState.OK, (order,)),
        procedures=Section(SectionState.OK, (procedure,)),
        care_team=Section(SectionState.OK, (CareTeamMember(Source("CareTeam/1"), "Dr. Ngozi Okafor, MD"),)),
    )
    terms = derive_hints(context, rules, setting=make_setting(), now=NOW).keyterms
    assert [(one.text, one.kind, one.origin) for one in terms] == [
        ("hemoglobin A1c", "order", "chart"),
        ("colonoscopy", "procedure", "chart"),
        ("Ngozi Okafor", "person", "person"),
        ("Okafor", "person", "person"),
    ]


def test_the_patients_name_stays_here_and_is_not_told_by_a_relatives(make_context, rules, make_setting) -> None:
    person = PersonSummary(
        Source("Patient/1"), "Julio Waters", "Waters", ("Julio",), None, None, None, relatives=("Maria Waters",)
    )
    context = make_context(patient=Section(SectionState.OK, (person,)))
    assert texts(derive_hints(context, rules, setting=make_setting(), now=NOW)) == ["Maria"]
    open_rules = replace(rules, mapping=replace(rules.mapping, people=rules.mapping.people | {"patient"}))
    said = texts(derive_hints(context, open_rules, setting=make_setting(), now=NOW))
    assert {"Julio Waters", "Waters", "Maria Waters"} <= set(said)


def test_neighbours_are_brands_and_first_choices_not_in_the_chart(chart, shipped, make_setting) -> None:
    terms = {one.text: one for one in derive_hints(chart, shipped, setting=make_setting(), now=NOW).keyterms}
    assert terms["Lopressor"].origin == terms["losartan"].origin == terms["amlodipine"].origin == "neighbour"
    assert terms["losartan"].sources == (Source("Condition/3", "2"),)
    assert terms["metoprolol"].origin == "chart"


def test_vocabulary_goes_by_note_type_and_by_the_kind_of_visit(make_context, shipped, make_setting) -> None:
    plain = texts(derive_hints(make_context(), shipped, setting=make_setting(note_type="soap"), now=NOW))
    therapy = texts(derive_hints(make_context(), shipped, setting=make_setting(note_type="therapy"), now=NOW))
    visit = EncounterSummary(Source("Encounter/1", "1"), "in-progress", "AMB", "Cardiology follow-up", None, NOW)
    at_heart = make_context(encounter=Section(SectionState.OK, (visit,)))
    heart = texts(derive_hints(at_heart, shipped, setting=make_setting(), now=NOW))
    assert "systolic" in plain and "EMDR" not in plain
    assert {"EMDR", "GAD-7", "systolic"} <= set(therapy)
    assert "ejection fraction" in heart


HIV = ("dolutegravir 50 MG Oral Tablet", "lisinopril 10 MG Oral Tablet")


def test_a_category_held_back_is_counted_and_in_no_term(make_context, shipped, make_setting) -> None:
    held = replace(shipped, mapping=replace(shipped.mapping, withhold=("hiv", "psychiatric")))
    context = make_context(
        medications=drugs(*HIV, "sertraline 50 MG Oral Tablet"),
        problems=problems("Human immunodeficiency virus infection (disorder)", "Major depression disorder", "Gout"),
    )
    hints = derive_hints(context, held, setting=make_setting(), now=NOW)
    said = {text.casefold() for text in texts(hints)}
    assert {"lisinopril", "gout"} <= said
    assert not said & {"hiv", "dolutegravir", "tivicay", "biktarvy", "depression", "sertraline", "zoloft", "bupropion"}
    assert {one.category: one.count > 0 for one in hints.withheld} == {"hiv": True, "psychiatric": True}
    assert {"dolutegravir", "HIV"} <= set(texts(derive_hints(context, shipped, setting=make_setting(), now=NOW)))


def test_a_tenant_may_hold_back_more_than_the_others(make_context, shipped, make_setting) -> None:
    mapping = replace(shipped.mapping, withhold_for_tenants={"lakeside": ("hiv",)})
    context = make_context(medications=drugs(*HIV))
    there = derive_hints(context, replace(shipped, mapping=mapping), setting=make_setting(tenant="lakeside"), now=NOW)
    elsewhere = derive_hints(context, replace(shipped, mapping=mapping), setting=make_setting(tenant="hill"), now=NOW)
    assert "dolutegravir" not in texts(there) and there.withheld[0].category == "hiv"
    assert "dolutegravir" in texts(elsewhere) and elsewhere.withheld == ()


def test_a_drug_of_the_chart_is_not_held_back_because_a_held_problem_suggests_it(
    make_context, shipped, make_setting
) -> None:
    held = replace(shipped, mapping=replace(shipped.mapping, withhold=("psychiatric",)))
    context = make_context(medications=drugs("propranolol 40 MG"), problems=problems("Generalized anxiety disorder"))
    hints = derive_hints(context, held, setting=make_setting(), now=NOW)
    assert "propranolol" in texts(hints)
    assert not any("anxiety" in text for text in texts(hints))
    assert isinstance(hints.withheld[0], Withheld)


def test_the_stamp_names_the_mapping_the_time_given_and_the_target(chart, rules, make_setting) -> None:
    hints = derive_hints(chart, rules, setting=make_setting(), now=NOW)
    assert (hints.stamp.maker, hints.stamp.at) == (rules.mapping.maker, NOW)
    assert hints.target == "prerecorded/universal-3-5-pro"
