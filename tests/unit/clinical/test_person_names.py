"""Names of people lose titles, degrees and the digits of synthetic data."""

import pytest

from connector.clinical.person_names import spoken_people


@pytest.mark.parametrize(
    ("shown", "spoken"),
    [
        ("Dr. María José Pérez, MD", ("María José Pérez", "Pérez")),
        ("Prosacco, Chasidy", ("Chasidy Prosacco", "Prosacco")),
        ("Valda518 O'Conner199", ("Valda O'Conner", "O'Conner")),
        ("Dr. Smith", ("Smith",)),
        ("Jean-Luc Picard III", ("Jean-Luc Picard", "Picard")),
        ("Dr.", ()),
        ("", ()),
        ("1234", ()),
    ],
)
def test_a_person_is_called_by_full_name_then_family_name(shown, spoken) -> None:
    assert spoken_people(shown) == spoken
