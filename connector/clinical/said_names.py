"""The few names worth telling a recogniser. In: a chart string, the books. Out: what is said, best first. Never raises.

Where `drug_names` and `problem_names` list every form a text may hold, this leaves out what nobody says aloud.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.clinical.drug_book import DrugBook
from connector.clinical.drug_names import spoken_names
from connector.clinical.drug_words import CATIONS, SAID_SALTS, SALTS, STEMS
from connector.clinical.problem_names import ProblemBook, plain_problem, spoken_substances
from connector.clinical.word_lists import word_set

_OF = re.compile(
    r"(?:closed |open |displaced |pathological )?"
    r"(?P<what>(?:primary |overlapping |secondary )?(?:malignant (?:neoplasm|tumor)|carcinoma|adenocarcinoma|cancer)|"
    r"benign neoplasm|neoplasm|tumor|fracture|injury|laceration|infection|sprain|burn|abscess|ulcer|pain|disorder|"
    r"disease|inflammation|stenosis|cyst)s? (?:in situ )?of (?:the )?(?:left |right |bilateral |both )?(?P<where>.+)",
    re.IGNORECASE,
)
_CANCERS = re.compile(r"malignant|carcinoma|cancer", re.IGNORECASE)
_PLAIN = {"neoplasm": "tumor", "benign neoplasm": "tumor", "disorder": "disease"}
_LEADING = word_set(
    """
    acute chronic essential primary secondary idiopathic atrophic benign malignant recurrent unspecified mild moderate
    severe persistent intermittent localized simple uncomplicated pure mixed subacute old acquired nonspecific other
    paroxysmal pulmonary childhood active suspected single past left right bilateral viral bacterial
    """
)
_TRAILING = re.compile(
    r"(?:,? (?:unspecified|nos|disease|disorder|syndrome)|,? (?:stage|grade) [\dIVX]+[ab]?(?: \(.*)?|"
    r",? initial encounter|,? without .*|,? with(?:out)? .*|,? single episode|,? in remission)$",
    re.IGNORECASE,
)
_TRAILING_WORDS = word_set("unspecified nos disease disorder syndrome stage grade initial without with single in")
"""One of these is in every text that `_TRAILING` shortens."""
_KEEPS_DISEASE = re.compile(
    r"(?:kidney|heart|liver|lung|artery|coronary|bowel|valve|vascular|arterial|\w+'s|lyme|celiac|seizure|depressive|"
    r"anxiety|bipolar|personality|use|spectrum|stress|metabolic|sleep|eating|panic|thyroid|gum|gingival|apnea|"
    r"fatigue|bowel|ovary|tunnel|down|turner|legs?|pain|deficiency) (?:disease|disorder|syndrome)$",
    re.IGNORECASE,
)
_TOO_GENERAL = word_set(
    "pain disease disorder syndrome infection failure injury illness condition problem symptoms finding bleeding "
    "obstruction deficiency retention insufficiency fracture fatigue kidney depression anxiety"
)
_PAIR = 2
_KEPT_WHOLE = word_set("chronic_kidney chronic_pain acute_kidney")
_HAPPENED = re.compile(r"^(?:finding of|presence of|complaint of|observation of) ", re.IGNORECASE)


def said_drugs(name: str, book: DrugBook) -> tuple[str, ...]:
    """`24 HR metoprolol succinate 25 MG Extended Release Oral Tablet` → (`metoprolol`, `metoprolol succinate`).

    Generic before brand; a salt only where it is said; both drugs of a combination; INN names as the United States
    says them. A brand stands as its label writes it.
    """
    found: list[str] = []
    for form in spoken_names(name, brands=book.brands):
        folded = form.casefold()
        if " " not in folded and folded not in book.respelled:
            found.append(form)
            continue
        if _has_unsaid_salt(folded):
            continue
        for said in book.instead.get(folded, (_known_part(form, book),)):
            written = book.brands.get(said.casefold(), said)
            found += [*_shortest_first(written), *book.also.get(said.casefold(), ())]
    folded_names = [one.casefold() for one in found]
    if not book.brands.keys().isdisjoint(folded_names):
        generics = [one for one, folded in zip(found, folded_names, strict=True) if folded not in book.brands]
        brands = [one for one, folded in zip(found, folded_names, strict=True) if folded in book.brands]
        found = [*generics[:1], *brands, *generics[1:]]
    return _distinct(found)


def _has_unsaid_salt(folded: str) -> bool:
    if " " not in folded:
        return False
    words = folded.split()
    return len(words) > 1 and words[-1] in SALTS and words[-1] not in SAID_SALTS and words[-2] not in CATIONS


def _known_part(form: str, book: DrugBook) -> str:
    """`albuterol CFC free` → `albuterol`: words nobody knows behind a drug everybody knows fall; a said salt stays."""
    words = form.split()
    if len(words) == 1:
        return form
    known = book.class_of(form) is not None or form.casefold() in book.brands
    if known or words[-1].casefold() in SAID_SALTS:
        return form
    for length in range(len(words) - 1, 0, -1):
        shorter = " ".join(words[:length])
        if book.class_of(shorter) is not None or shorter.casefold() in book.brands:
            return shorter
    return form


def _shortest_first(form: str) -> Iterator[str]:
    """`metoprolol succinate` → `metoprolol`, `metoprolol succinate`; a pair by a hyphen → its drugs, then the pair."""
    if " " not in form:
        yield form
        return
    words = form.split()
    if len(words) > 1 and words[-1].casefold() in SAID_SALTS and words[-2].casefold() not in CATIONS:
        yield " ".join(words[:-1])
    elif len(words) > 1 and len(words[-1]) == 1 and words[0] != "vitamin":
        yield " ".join(words[:-1])
        return
    yield form


def said_problems(name: str, book: ProblemBook) -> tuple[str, ...]:
    """`Essential hypertension (disorder)` → (`hypertension`, `high blood pressure`).

    The book first, then rules: "malignant neoplasm of breast" is breast cancer; what follows "due to" goes, unless the
    book knows the whole; leading qualifiers go, unless what is left says nothing.
    """
    whole, plain = plain_problem(name)
    lightest = plain
    for form in (whole, plain, *_lighter(plain)):
        known = book.problems.get(form.casefold())
        if known is not None:
            return known
        lightest = form
    turned = _turned(plain)
    if turned != plain:
        lightest = next(reversed((turned, *_lighter(turned))))
    lightest = lightest.strip()
    return (lightest,) if lightest[:1].isalpha() or any(character.isalpha() for character in lightest) else ()


def said_substances(name: str, drugs: DrugBook, book: ProblemBook) -> tuple[str, ...]:
    """`Penicillin V` → (`penicillin`,); `House dust mite (organism)` → (`dust mite`,); () where nothing is named."""
    forms = spoken_substances(name)
    known = book.substances.get(forms[0].casefold()) if forms else None
    if known is not None:
        return known
    looks = forms and (" / " in name or _is_drug(forms[0], drugs))
    return said_drugs(name if " / " in name else forms[0], drugs) if looks else forms


def _is_drug(form: str, drugs: DrugBook) -> bool:
    first = form.split()[0].casefold()
    return first.endswith(STEMS) or first in drugs.brands or drugs.class_of(first) is not None or "-" in form


def said_reactions(name: str, book: ProblemBook) -> tuple[str, ...]:
    """`Eruption of skin (disorder)` → (`rash`,); `Allergic angioedema (disorder)` → (`angioedema`,)."""
    whole, _ = plain_problem(name)
    bare = _HAPPENED.sub("", whole)
    for form in (whole, bare, bare.removeprefix("allergic ")):
        known = book.reactions.get(form.casefold())
        if known is not None:
            return known
    return _distinct([bare.removeprefix("allergic ")])


def _lighter(text: str) -> Iterator[str]:
    """The text with one qualifier less at a time, as long as something telling is left."""
    while True:
        shorter = _one_less(text)
        if shorter == text:
            return
        text = shorter
        yield text


def _one_less(text: str) -> str:
    if " " not in text:
        return text
    words = text.casefold().split()
    if len(words) < _PAIR:
        return text
    if words[0] in _LEADING and " ".join(words[:_PAIR]) not in _KEPT_WHOLE:
        rest = " ".join(text.split()[1:])
        if rest.casefold() not in _TOO_GENERAL:
            return rest
    if _TRAILING_WORDS.isdisjoint(words):
        return text
    ended = _TRAILING.sub("", text)
    if ended != text and not _KEEPS_DISEASE.search(text) and ended.casefold() not in _TOO_GENERAL and ended:
        return ended
    return text


def _turned(text: str) -> str:
    """`fracture of left hip` → `hip fracture`; `malignant neoplasm of breast` → `breast cancer`."""
    match = _OF.fullmatch(text) if " of " in text.casefold() else None
    if match is None:
        return text
    what = match["what"].casefold()
    noun = "cancer" if _CANCERS.search(what) and "benign" not in what else _PLAIN.get(what, what)
    return f"{match['where']} {noun}"


def _distinct(names: list[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        name = name.strip()
        if name.isalpha() or any(character.isalpha() for character in name):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())
