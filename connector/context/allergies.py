"""AllergyIntolerances to what a patient must not be given. In: what a search found. Out: a Section of Allergy.

Never reads "no known allergies" as the name of an allergen, and never drops an allergy for want of a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.context.accessors import as_objects, as_text, as_texts, has_code, read_concept
from connector.context.mapping import NoneKnown
from connector.context.searchset import Found
from connector.context.section import name_entry, read_status, sift
from connector.records import Allergy, Section, Source

_NOT_IN_FORCE = ("inactive", "resolved")
_NOT_TRUE = ("refuted", "entered-in-error")


def read_allergies(found: Found, *, patient: str, base: str, none_known: NoneKnown) -> Section[Allergy]:
    """Allergies in force, those without a status included; unconfirmed ones carry their verification."""

    def read(resource: Mapping[str, Any], source: Source) -> Allergy | None:
        return _read_allergy(resource, source, none_known)

    return sift(found, patient=patient, base=base, read=read, name=lambda allergy: allergy.substance)


def _read_category(value: object) -> str | None:
    """`food`, `medication`, `environment`, `biologic`; several are joined by commas."""
    words = (value,) if isinstance(value, str) else as_texts(value)
    return as_text(", ".join(words))


def _read_allergy(resource: Mapping[str, Any], source: Source, none_known: NoneKnown) -> Allergy | None:
    verification = read_status(resource, "verificationStatus")
    if verification in _NOT_TRUE or read_status(resource, "clinicalStatus") in _NOT_IN_FORCE:
        return None
    reactions = as_objects(resource.get("reaction"))
    substances = (read_concept(reaction.get("substance")) for reaction in reactions)
    code = resource.get("code")
    substance = read_concept(code) or next((text for text in substances if text), None) or name_entry(code)
    signs = (read_concept(sign) for reaction in reactions for sign in as_objects(reaction.get("manifestation")))
    return Allergy(
        source=source,
        substance=substance,
        reactions=tuple(dict.fromkeys(sign for sign in signs if sign is not None)),
        criticality=as_text(resource.get("criticality")),
        verification=verification,
        category=_read_category(resource.get("category")),
        none_known=has_code(code, none_known.codes) or substance.casefold().rstrip(".") in none_known.texts,
    )
