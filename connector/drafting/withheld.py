"""What must not reach the model. In: the launch patient, and chart text. Out: the text without names and contact data.

Never leaves in a name, birth date or identifier of the patient that the chart's own record of them holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from connector.drafting.plain import plain_text
from connector.records import PersonSummary

WITHHELD = "(withheld)"
_CONTACTS = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|(?<![\w/.-])\+?(?:\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"  # telephone
    r"|(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"  # social security number
    r"|https?://\S+",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"\b((?:patient(?:'s)? )?name|(?:home |street |mailing )?address|(?:tele)?phone|mobile|e-?mail|d\.?o\.?b\.?"
    r"|date of birth|birth ?date|born|mrn|medical record (?:number|no\.?)|ssn|member id|next of kin"
    r"|emergency contact)(\s*[:#]\s*)\S.*",
    re.IGNORECASE,
)
_NO_NAMES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "jr", "sr", "ii", "iii", "iv", "md", "de", "van"})
_SHORTEST_WORD = 2
_SHORTEST_IDENTIFIER = 3


@dataclass(frozen=True, slots=True)
class Withholding:
    """Patterns made of one patient's record: `sure` is theirs wherever it stands, `words` are single names."""

    sure: re.Pattern[str]
    words: re.Pattern[str]

    @classmethod
    def of(cls, person: PersonSummary | None) -> Withholding:
        """The patterns of a person, their relatives on record included; of None, only contact data is known."""
        if person is None:
            return cls(_any_of([], re.IGNORECASE), _any_of([], re.NOFLAG))
        full = [form for name in _full_names(person) for form in _spellings(name) if " " in form]
        dates = list(_dates(person.birth_date)) if person.birth_date else []
        numbers = [person.identifier] if person.identifier and len(person.identifier) >= _SHORTEST_IDENTIFIER else []
        parts = {word for name in _all_names(person) for form in _spellings(name) for word in re.split(r"[\s,]+", form)}
        names = {word for word in parts if len(word) >= _SHORTEST_WORD and word.rstrip(".").lower() not in _NO_NAMES}
        forms = {form for word in names for form in (word, word.title(), word.upper())}
        cased = [form for form in forms if form[:1].isupper()]
        return cls(_any_of([*full, *dates, *numbers], re.IGNORECASE), _any_of(cased, re.NOFLAG))

    def from_name(self, text: str) -> str:
        """A coded name without what is certainly the patient's. Single names stay: a disease may be called so too."""
        return _CONTACTS.sub(WITHHELD, self.sure.sub(WITHHELD, plain_text(text)))

    def from_prose(self, text: str) -> str:
        """Free text of one line without any name of the patient or of a relative, and without labelled contact data."""
        return self.words.sub(WITHHELD, self.from_name(_LABELLED.sub(rf"\1\2{WITHHELD}", plain_text(text))))


def _full_names(person: PersonSummary) -> Iterator[str]:
    yield from (person.name, *person.relatives)
    for given in person.given:
        yield from (f"{given} {person.family}", f"{person.family}, {given}", f"{person.family} {given}")


def _all_names(person: PersonSummary) -> tuple[str, ...]:
    return (person.name, person.family, *person.given, *person.relatives)


def _spellings(name: str) -> set[str]:
    """As recorded, and without the digits that test charts put behind names."""
    plain = plain_text(name)
    return {form for form in (plain, re.sub(r"\d+", "", plain)) if form}


def _dates(birth: date) -> Iterator[str]:
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
    month = (*months, "November", "December")[birth.month - 1]
    year, short, day = birth.year, birth.year % 100, birth.day
    for name in (month, month[:3], f"{month[:3]}."):
        yield from (f"{name} {day}, {year}", f"{name} {day} {year}", f"{day} {name} {year}", f"{day}-{name}-{year}")
        yield from (f"{name} {day:02}, {year}", f"{day:02} {name} {year}", f"{day:02}-{name}-{year}")
    for one, other in ((birth.month, day), (day, birth.month)):
        for mark in "/.-":
            yield from (f"{one}{mark}{other}{mark}{year}", f"{one:02}{mark}{other:02}{mark}{year}")
            yield from (f"{one}{mark}{other}{mark}{short:02}", f"{one:02}{mark}{other:02}{mark}{short:02}")
    yield from (birth.isoformat(), birth.strftime("%Y/%m/%d"), birth.strftime("%Y%m%d"))


def _any_of(texts: Iterable[str], flags: re.RegexFlag) -> re.Pattern[str]:
    listed = sorted(set(texts), key=lambda text: (-len(text), text))
    alternatives = "|".join(re.escape(text).replace(r"\ ", r"\s+") for text in listed)
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)" if listed else r"(?!)", flags)
