"""The tables of mappings/drugs. In: their parsed files. Out: a DrugBook. Never reads a file."""

from __future__ import annotations

from collections.abc import Mapping

from connector.clinical.drug_book import DrugBook, FirstChoice
from connector.errors import Misconfigured
from connector.hints.reading import read_table, read_texts, read_texts_by_key, read_whole

_PAIR = 2


def read_drug_book(files: Mapping[str, object]) -> DrugBook:
    """The book of the files classes, names, sound-alikes, first-choices; raises Misconfigured naming file and key."""
    instead, also = read_drug_names(files["names"])
    return DrugBook(
        classes=read_classes(files["classes"]),
        instead=instead,
        also=also,
        sound_alikes=read_sound_alikes(files["sound-alikes"]),
        first_choices=read_first_choices(files["first-choices"]),
    )


def read_classes(data: object) -> dict[str, dict[str, tuple[str, ...]]]:
    """Class to generic to brands."""
    file = "mappings/drugs/classes.yaml"
    table = read_table(data, file, keys=("version", "classes"))
    read_whole(table["version"], f"{file}: version")
    classes = read_table(table["classes"], f"{file}: classes")
    return {
        name: {
            generic: read_texts(brands, f"{file}: classes.{name}.{generic}")
            for generic, brands in read_table(members, f"{file}: classes.{name}").items()
        }
        for name, members in classes.items()
    }


def read_drug_names(data: object) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """What is said instead of, and beside, a charted ingredient."""
    file = "mappings/drugs/names.yaml"
    table = read_table(data, file, keys=("version", "instead", "also"))
    read_whole(table["version"], f"{file}: version")
    return (
        read_texts_by_key(table["instead"], f"{file}: instead"),
        read_texts_by_key(table["also"], f"{file}: also"),
    )


def read_sound_alikes(data: object) -> dict[str, tuple[str, ...]]:
    """Each name, folded, to those it is taken for."""
    file = "mappings/drugs/sound-alikes.yaml"
    table = read_table(data, file, keys=("version", "pairs"))
    read_whole(table["version"], f"{file}: version")
    pairs = table["pairs"]
    if not isinstance(pairs, list):
        raise Misconfigured(f"{file}: pairs must be a list")
    partners: dict[str, tuple[str, ...]] = {}
    for place, pair in enumerate(pairs):
        names = read_texts(pair, f"{file}: pairs.{place}")
        if len(names) != _PAIR:
            raise Misconfigured(f"{file}: pairs.{place} must be two names")
        for one, other in (names, names[::-1]):
            partners[one.casefold()] = (*partners.get(one.casefold(), ()), other)
    return partners


def read_first_choices(data: object) -> tuple[FirstChoice, ...]:
    """Drugs commonly begun, by words of a problem."""
    file = "mappings/drugs/first-choices.yaml"
    table = read_table(data, file, keys=("version", "problems"))
    read_whole(table["version"], f"{file}: version")
    found = []
    for name, entry in read_table(table["problems"], f"{file}: problems").items():
        where = f"{file}: problems.{name}"
        body = read_table(entry, where, keys=("words", "drugs"))
        words, drugs = read_texts(body["words"], f"{where}.words"), read_texts(body["drugs"], f"{where}.drugs")
        found.append(FirstChoice(words, drugs))
    return tuple(found)
