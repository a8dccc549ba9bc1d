"""Drug names. In: an RxNorm or EHR drug string. Out: what people say, best first. Never raises or guesses."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from connector.clinical.drug_words import ALSO_SAID, BRANDS, CATIONS, SAID_SALTS, SALTS
from connector.clinical.word_lists import word_set

_LONGEST = 600
_SHORTEST_PIECE = 5
_UNITS = (
    r"(?:mg|mcg|µg|ug|g|gm|gram|grams|kg|ml|l|unt|units?|iu|u|meq|mmol|mci|actuat|hr|bau|amb|cells|pfu|vp|%|percent|"
    r"milligrams?|micrograms?|milliliters?)"
)
_STRENGTH = re.compile(
    rf"(?<![\w-])[\d][\d.,]*(?:\s*-\s*[\d.,]+)*\s*{_UNITS}(?:\s*/\s*[\d.,]*\s*\w+)?(?![\w])", re.IGNORECASE
)
_BRACKETED = re.compile(r"\[([^\[\]]*)\]?")
_PARENTHESES = re.compile(r"\(([^()]*)\)?")
_NDA = re.compile(r"\bA?NDA\s?\d{4,}\b", re.IGNORECASE)
_PACK = re.compile(r"\b\d+\s+day\s+pack\b.*|\b\d+\s+day\b\s*$", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"(?<![\w.-])[\d][\d.,/+-]*(?![\w-])|\bU-\d+\b", re.IGNORECASE)
_FORM_PAIRS = {
    **dict.fromkeys(("extended", "delayed", "sustained", "immediate", "modified"), "release"),
    **dict.fromkeys(("enteric", "film"), "coated"),
    "metered": "dose",
    "dry": "powder",
    "as": "needed",
}
_FORM_WORDS = word_set(
    """
    disintegrating chewable effervescent sublingual buccal prefilled pre-filled autoinjector auto-injector oral nasal
    topical ophthalmic otic rectal vaginal transdermal mucosal inhalation inhaled inhalant injectable intramuscular
    intravenous subcutaneous tablet tablets capsule capsules caplet caplets solution suspension syrup elixir powder
    inhaler spray cream ointment gel lotion foam shampoo patch film lozenge suppository enema drop drops injection
    syringe pen vial kit pack aerosol actuation granules paste solostar kwikpen flexpen flextouch diskus ellipta
    respimat handihaler flexhaler implant hfa tab tabs cap caps soln susp inj supp oint ec odt xr xl er sr dr dose
    doses daily twice once for
    """
)
_FORM_BEGINNINGS = _FORM_WORDS.union(_FORM_PAIRS)
_FORMS = re.compile(
    rf"\b(?:{'|'.join((*(f'{one}[- ]{other}' for one, other in _FORM_PAIRS.items()), *sorted(_FORM_WORDS)))})\b",
    re.IGNORECASE,
)
_NOT_BRAND = re.compile(
    r"human|edible|inert|substance|product|ingredients?|medication|disorder|finding|\d", re.IGNORECASE
)
_DROPPED_QUALIFIERS = frozenset({"human", "usp", "synthetic", "dried", "micronized", "anhydrous", "purified", "bovine"})
_BETWEEN = re.compile(r"\s/\s|[{}]|\s\+\s")
_CAMEL = re.compile(r"[a-z][A-Z][a-z]")
_ROMAN = re.compile(r"[IVX]{2,4}")
_TALL_MAN = re.compile(r"[a-z][A-Z]{2,}|[A-Z]{2,}[a-z]")


def spoken_names(name: str, *, brands: Container[str] = BRANDS) -> tuple[str, ...]:
    """The names a visit would use for a drug the chart shows, best first, without repeats.

    `24 HR metoprolol succinate 25 MG Extended Release Oral Tablet` → (`metoprolol succinate`, `metoprolol`);
    `Acetaminophen 325 MG Oral Tablet [Tylenol]` → (`acetaminophen`, `Tylenol`). Strength, form and release are left
    out; generic names are lower-case (tall-man letters undone), brands capitalised. Any string is taken: one without a
    name in it gives (). `brands` are those known, in lower case.
    """
    text = " ".join(name[:_LONGEST].split())
    folded = text.casefold()
    if "nda" in folded:
        text = _NDA.sub(" ", text)
    named: list[str] = []
    aside: list[str] = []
    if "[" in text:
        named = [_brand(inside) for inside in _BRACKETED.findall(text)]
        text = _BRACKETED.sub(" ", text)
    if "(" in text:
        text, aside = _without_parentheses(text)
    if "day" in folded and _PACK.search(text):
        return _distinct([*named, _brand(text)])
    components = [_component(part, brands) for part in _parts(text)]
    first = [forms[0] for forms in components if forms]
    rest = [form for forms in components for form in forms[1:]]
    return _distinct([*first, *named, *aside, *rest])


def _parts(text: str) -> Iterator[str]:
    """The ingredients of a combination: RxNorm joins them with a spaced slash, packs with braces."""
    named = text.partition(";")[0]
    joined = "/ " in named or "+ " in named or "{" in named or "}" in named
    for part in _BETWEEN.split(named) if joined else (named,):
        if part.strip() and "inert ingredient" not in part.casefold():
            yield part


def _without_parentheses(text: str) -> tuple[str, list[str]]:
    """`metFORMIN (GLUCOPHAGE) 500 mg` → text without the brand, and the brand. A pack's contents stay in the text."""
    brands: list[str] = []

    def take(match: re.Match[str]) -> str:
        inside = match.group(1)
        if _STRENGTH.search(inside):
            return f" / {inside} / "
        if not _NOT_BRAND.search(inside):
            brands.extend(_brand(part) for part in inside.split(","))
        return " "

    return _PARENTHESES.sub(take, text), brands


def _component(part: str, brands: Container[str]) -> list[str]:
    """Spoken forms of one ingredient: with its salt where people say it, without, then what else it is called."""
    words = _bare(part, brands)
    if not words:
        return []
    named = [word for word in words if word.casefold() in brands]
    full = " ".join(words)
    if len(words) == 1:
        return [*named, full, *_pieces(full), *ALSO_SAID.get(full, ())]
    short = " ".join(_without_salt(words))
    said_with_salt = short != full and words[-1] in SAID_SALTS
    forms = [full, short] if said_with_salt else [short, full]
    return [*named, *forms, *_pieces(short), *ALSO_SAID.get(short, ()), *ALSO_SAID.get(full, ())]


def _pieces(short: str) -> list[str]:
    """`amoxicillin-pot clavulanate` → `amoxicillin`, `pot clavulanate`; `penicillin V` → `penicillin`."""
    if short.isalpha():
        return []
    words = short.split()
    if len(words) > 1 and len(words[-1]) == 1 and words[0] != "vitamin":
        return [" ".join(words[:-1])]
    pieces = short.split("-")
    return pieces if len(pieces) > 1 and len(pieces[0]) >= _SHORTEST_PIECE and pieces[0].isalpha() else []


def _bare(part: str, brands: Container[str]) -> list[str]:
    """The words of the name itself: the first stretch between strengths that holds more than a form."""
    for stretch in _stretches(part):
        if not stretch or stretch.isspace():
            continue
        named = _named_words(stretch)
        if named is None:
            plain = _qualified(_BARE_NUMBER.sub(" ", _FORMS.sub(" ", stretch).strip(" ,")))
            named = [word for word in plain.split() if _letters(word)]
        if named:
            return [_generic(word, brands) for word in named]
    return []


def _stretches(part: str) -> Iterator[str]:
    """What stands between strengths; the first is mostly all that is asked for."""
    begun = 0
    for match in _STRENGTH.finditer(part):
        yield part[begun : match.start()]
        begun = match.end()
    yield part[begun:]


def _named_words(stretch: str) -> list[str] | None:
    """What `_FORMS` leaves of a stretch of plain words, for a tenth of the time; None where it is not plain."""
    if not stretch.replace(" ", "").isalpha():
        return None
    words = stretch.split()
    folded = stretch.casefold().split()
    if _FORM_BEGINNINGS.isdisjoint(folded):
        return words
    kept: list[str] = []
    place = 0
    while place < len(words):
        word = folded[place]
        if word in _FORM_PAIRS and folded[place + 1 : place + 2] == [_FORM_PAIRS[word]]:
            place += 1
        elif word not in _FORM_WORDS:
            kept.append(words[place])
        place += 1
    return kept


def _qualified(text: str) -> str:
    """`insulin, regular, human` → `regular insulin`; other names keep what stands before the first comma."""
    base, *qualifiers = (piece.strip() for piece in text.split(","))
    kept = [word for word in qualifiers if word and word.casefold() not in _DROPPED_QUALIFIERS]
    return f"{kept[0]} {base}" if base.casefold() == "insulin" and kept else base or " ".join(kept)


def _without_salt(words: list[str]) -> list[str]:
    kept = list(words)
    while len(kept) > 1 and kept[-1] in SALTS and kept[-2] not in CATIONS:
        kept.pop()
    return kept


def _generic(word: str, brands: Container[str]) -> str:
    word = word.strip(".,:*'\"")
    if word.isalpha() and word[1:].islower() and word.casefold() not in brands:
        return word.lower()
    if word.casefold() in brands or _CAMEL.search(word):
        return _brand(word)
    if len(word) == 1 or any(character.isdigit() for character in word) or _ROMAN.fullmatch(word):
        return word.upper()
    return word.lower()


def _brand(text: str) -> str:
    """`HumuLIN 70/30` → `Humulin`; mixed case such as `EpiPen` stays as the maker writes it."""
    words = [word.strip(".,:") for word in _FORMS.sub(" ", _PACK.sub(" ", text)).split()]
    return " ".join(_capital(word) for word in words if _letters(word) and not word[:1].isdigit())


def _capital(word: str) -> str:
    if word.casefold() in {"with", "and", "plus"}:
        return word.lower()
    return word.capitalize() if word.islower() or word.isupper() or _TALL_MAN.search(word) else word


def _letters(text: str) -> bool:
    return text.isalpha() or any(character.isalpha() for character in text)


def _distinct(names: list[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        name = name.strip()
        if name.isalpha() or _letters(name):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())
