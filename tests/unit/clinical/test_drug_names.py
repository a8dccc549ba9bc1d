"""Drug strings of RxNorm and EHRs become what people say."""

import pytest

from connector.clinical.drug_names import spoken_names


@pytest.mark.parametrize(
    ("charted", "spoken"),
    [
        ("24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", ("metoprolol succinate", "metoprolol")),
        ("metoprolol tartrate 50 MG Oral Tablet", ("metoprolol tartrate", "metoprolol")),
        ("Acetaminophen 325 MG Oral Tablet [Tylenol]", ("acetaminophen", "Tylenol")),
        ("amLODIPine 2.5 MG Oral Tablet", ("amlodipine",)),
        ("Hydrochlorothiazide 25 MG Oral Tablet", ("hydrochlorothiazide", "HCTZ")),
        ("NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector", ("epinephrine",)),
        ("Nitroglycerin 0.4 MG/ACTUAT Mucosal Spray", ("nitroglycerin", "nitro")),
        ("1 ML tacrolimus 5 MG/ML Injection", ("tacrolimus",)),
        ("sodium fluoride 0.0272 MG/MG Oral Gel", ("sodium fluoride",)),
        ("Vitamin B12 5 MG/ML Injectable Solution", ("vitamin B12",)),
        ("doxycycline hyclate 100 MG", ("doxycycline hyclate", "doxycycline")),
        ("Seasonique 91 Day Pack", ("Seasonique",)),
        ("Camila 28 Day Pack", ("Camila",)),
        ("Potassium Chloride 20 MEQ Extended Release Oral Tablet", ("potassium chloride",)),
        ("isosorbide mononitrate 30 MG", ("isosorbide mononitrate",)),
        ("Penicillin V", ("penicillin V", "penicillin")),
        ("Lipitor 20 mg", ("Lipitor",)),
        ("metFORMIN (GLUCOPHAGE) 500 mg tablet", ("metformin", "Glucophage")),
        ("lisinopril (PRINIVIL,ZESTRIL) 10 mg tablet", ("lisinopril", "Prinivil", "Zestril")),
        ("3 ML insulin aspart, human 100 UNT/ML Pen Injector [NovoLOG]", ("insulin aspart", "Novolog")),
        ("NuvaRing 0.12/0.015 MG per 24HR 21 Day Vaginal Ring", ("NuvaRing",)),
        ("Ibuprofen 200 mg oral tablet; take as needed", ("ibuprofen",)),
    ],
)
def test_a_drug_string_becomes_what_people_say_best_first(charted, spoken) -> None:
    assert spoken_names(charted) == spoken


def test_a_salt_nobody_names_comes_last() -> None:
    assert spoken_names("diphenhydrAMINE Hydrochloride 25 MG Oral Tablet") == (
        "diphenhydramine",
        "diphenhydramine hydrochloride",
    )


def test_a_combination_gives_each_drug_before_any_longer_form() -> None:
    spoken = spoken_names(
        "24 HR Donepezil hydrochloride 10 MG / Memantine hydrochloride 28 MG Extended Release Oral Capsule"
    )
    assert spoken[:2] == ("donepezil", "memantine")


def test_a_combination_joined_by_a_hyphen_gives_its_first_drug_too() -> None:
    assert "amoxicillin" in spoken_names("amoxicillin-pot clavulanate 875-125 mg tablet")


def test_an_insulin_mix_gives_both_insulins_the_brand_and_nph() -> None:
    spoken = spoken_names(
        "insulin isophane, human 70 UNT/ML / insulin, regular, human 30 UNT/ML Injectable Suspension [Humulin]"
    )
    assert spoken == ("insulin isophane", "regular insulin", "Humulin", "NPH insulin", "NPH")


def test_an_inhaler_gives_drug_and_brand() -> None:
    spoken = spoken_names("120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler [Flovent]")
    assert spoken == ("fluticasone", "Flovent", "fluticasone propionate")


def test_a_pack_leaves_its_inert_tablets_out() -> None:
    pack = "{7 (inert ingredients 1 MG Oral Tablet) / 21 (norethindrone 0.35 MG Oral Tablet) } Pack [Camila 28 Day]"
    assert spoken_names(pack) == ("norethindrone", "Camila")


def test_the_strength_before_the_name_is_no_name() -> None:
    assert spoken_names("0.25 MG, 0.5 MG Dose 3 ML semaglutide 0.68 MG/ML Pen Injector [Ozempic]") == (
        "semaglutide",
        "Ozempic",
    )


@pytest.mark.parametrize("junk", ["", "   ", "123", "[]", "((", "10 MG", "/ / /", "[ ] { }", "0"])
def test_a_string_without_a_name_gives_nothing(junk) -> None:
    assert spoken_names(junk) == ()
