"""Names, birth date, identifiers and contact data of the patient stay out of what the model reads."""

from datetime import date

import pytest

from connector.drafting.withheld import Withholding
from connector.records import PersonSummary, Source

ANN = PersonSummary(
    Source("Patient/p1"),
    "Mrs. Ann42 May Canary7",
    "Canary7",
    ("Ann42", "May"),
    date(1965, 3, 2),
    "female",
    "MRN-4711",
    relatives=("Bob Canary",),
)
HELD = Withholding.of(ANN)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ann Canary presents with cough.", "(withheld) presents with cough."),
        ("CANARY, ANN: cough", "(withheld): cough"),
        ("Canary, Ann is well.", "(withheld) is well."),
        ("Mrs. Canary is well, Ann42 too.", "Mrs. (withheld) is well, (withheld) too."),
        ("Her son Bob drives.", "Her son (withheld) drives."),
        (
            "Born March 2, 1965 or 1965-03-02 or 3/2/1965 or 02.03.65",
            "Born (withheld) or (withheld) or (withheld) or (withheld)",
        ),
        ("mrn-4711 on file", "(withheld) on file"),
        ("Call 555-867-5309 or (555) 867-5309 or ann@example.org", "Call (withheld) or (withheld) or (withheld)"),
        ("DOB: 2 March, seen", "DOB: (withheld)"),
        ("Address: 12 Elm Street, Boston", "Address: (withheld)"),
        ("SSN 123-45-6789", "SSN (withheld)"),
        ("She may have annual checks.", "She may have annual checks."),
        (
            "Anna has cancer of 2026-03-02, BP 120/80, 03/02/2026.",
            "Anna has cancer of 2026-03-02, BP 120/80, 03/02/2026.",
        ),
        ("Patient: reports pain. Dr. Okafor agrees.", "Patient: reports pain. Dr. Okafor agrees."),
    ],
)
def test_prose_keeps_everything_but_the_person(text, left) -> None:
    assert HELD.from_prose(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Canary fever", "Canary fever"),
        ("Referral for Ann Canary", "Referral for (withheld)"),
        ("Form for MRN-4711", "Form for (withheld)"),
    ],
)
def test_a_coded_name_loses_only_what_is_surely_the_patients(text, left) -> None:
    assert HELD.from_name(text) == left


def test_without_a_person_contact_data_still_goes() -> None:
    assert Withholding.of(None).from_prose("Ann, ann@example.org") == "Ann, (withheld)"
