"""Problem and substance names. In: a chart string. Out: what people say, best first. Never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connector.clinical.drug_names import spoken_names
from connector.clinical.drug_words import BRANDS, STEMS
from connector.clinical.word_lists import word_set

_LONGEST = 400
_LONGEST_ABBREVIATION = 6
_TAGS = word_set(
    """
    disorder finding situation person substance organism procedure product event morphologic_abnormality
    observable_entity regime/therapy qualifier_value physical_object body_structure context-dependent_category
    medicinal_product navigational_concept social_concept environment occupation edible
    """
)
_TAG = re.compile(rf"\s*\((?:{'|'.join(sorted(_TAGS))})\)", re.IGNORECASE)
_ICD = re.compile(r"\b[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b\s*[-:]?\s*")
_CUT = re.compile(
    r"\s+(?:due to|caused by|secondary to|associated with|with|without|in remission|complicating|following)\s+.*"
    r"|[,;(].*",
    re.IGNORECASE,
)
_CUT_WORDS = word_set("due caused secondary associated with without in complicating following")
"""A comma, semicolon, parenthesis or one of these is in every text that `_CUT` shortens."""
_FIGURE = re.compile(r"\d")
_FORMER_BEGINNINGS = word_set(
    "personal family past pregnancy history hx status s/p allergy intolerance adverse hypersensitivity propensity "
    "suspected other"
)
"""The first word of every text that `_FORMER` or `_PREGNANCY` shortens."""
_PREGNANCY = re.compile(r"past pregnancy ", re.IGNORECASE)
_FORMER = re.compile(
    r"(?:personal |family |past )?(?:pregnancy )?(?:history|hx) of (?:a |an )?|status post |s/p |allergy to |"
    r"intolerance to |adverse reaction to |hypersensitivity to |propensity to adverse reactions to |suspected |other ",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]?")
_TOO_GENERAL = word_set(
    "pain disease disorder syndrome infection failure injury illness condition problem symptoms finding"
)
_QUALIFIERS = word_set(
    """
    acute chronic essential primary secondary idiopathic atrophic benign malignant recurrent unspecified mild
    moderate severe persistent intermittent generalized localized simple uncomplicated pure mixed subacute old
    congenital acquired nonspecific other paroxysmal
    """
)
_EPONYMS = word_set(
    """
    alzheimer alzheimer's alzheimers parkinson parkinson's crohn crohn's graves graves' hashimoto hashimoto's
    addison's cushing's cushing hodgkin hodgkin's huntington's raynaud raynaud's sjogren sjögren sjögren's meniere's
    ménière's barrett's bell's down down's marfan tourette tourette's turner lyme paget's dupuytren's guillain-barré
    """
)
_ALSO_SAID = {
    "diabetes mellitus type 2": ("type 2 diabetes", "diabetes"),
    "type 2 diabetes mellitus": ("type 2 diabetes", "diabetes"),
    "diabetes mellitus type 1": ("type 1 diabetes", "diabetes"),
    "type 1 diabetes mellitus": ("type 1 diabetes", "diabetes"),
    "diabetes mellitus": ("diabetes",),
    "hypertensive disorder": ("hypertension",),
    "hypertension": ("high blood pressure",),
    "hyperlipidemia": ("high cholesterol",),
    "hypercholesterolemia": ("high cholesterol",),
    "myocardial infarction": ("heart attack",),
    "metabolic syndrome X": ("metabolic syndrome",),
    "gastroesophageal reflux disease": ("GERD", "acid reflux"),
    "chronic obstructive pulmonary disease": ("COPD",),
    "congestive heart failure": ("heart failure", "CHF"),
    "atrial fibrillation": ("AFib",),
    "pulmonary emphysema": ("emphysema",),
    "kidney transplant": ("renal transplant",),
    "renal transplant": ("kidney transplant",),
}


@dataclass(frozen=True, slots=True)
class ProblemBook:
    """Charted name, in lower case and without its tag, to what is said, best first: mappings/problem-names.yaml."""

    problems: Mapping[str, tuple[str, ...]]
    substances: Mapping[str, tuple[str, ...]]
    reactions: Mapping[str, tuple[str, ...]]


_PLAIN_STAGE = re.compile(r"\s+(?:stage|grade|type)\s+[\dIVX]+[ab]?$", re.IGNORECASE)


def spoken_problems(name: str) -> tuple[str, ...]:
    """What a visit calls a problem, best first, without repeats; () where the string names nothing.

    `Essential hypertension (disorder)` → (`essential hypertension`, `hypertension`, `high blood pressure`). SNOMED CT
    semantic tags, ICD-10 codes, "history of" and what follows "due to" are left out.
    """
    whole = _whole(name)
    cut = _cut(whole)
    base = _shorter(cut, _FORMER.sub("", cut, count=1) if _FORMER.match(cut) else cut)
    forms = [_lowered(base)]
    words = forms[0].split()
    while len(words) > 1 and words[0].casefold() in _QUALIFIERS and " ".join(words[1:]) not in _TOO_GENERAL:
        words = words[1:]
        forms.append(" ".join(words))
    forms += [_PLAIN_STAGE.sub("", forms[-1]), _lowered(cut), _lowered(whole)]
    return _distinct([*forms, *(also for form in forms for also in _ALSO_SAID.get(form, ()))])


def plain_problem(name: str) -> tuple[str, str]:
    """The name without tag, codes and "history of", and that without what follows "due to"; both without capitals."""
    former = _whole(name)
    if former.partition(" ")[0].casefold() in _FORMER_BEGINNINGS:
        former = _PREGNANCY.sub("", former, count=1) if _PREGNANCY.match(former) else former
        found = _FORMER.match(former)
        former = _shorter(former, former[found.end() :]) if found else former
    cut = _cut(former)
    whole = _lowered(former)
    return whole, whole if cut is former else _lowered(cut)


def _whole(name: str) -> str:
    """The name without tags, codes and asides; of several names joined by a dash the last."""
    text = " ".join(name[:_LONGEST].split())
    if text.endswith(")"):
        before, _, tag = text[:-1].rpartition(" (")
        text = before if tag.casefold() in _TAGS else text
    if text.replace(" ", "").isalpha():
        return text
    if "(" in text:
        text = _TAG.sub("", text)
    if _FIGURE.search(text):
        text = _ICD.sub("", text)
    if "(" in text or "[" in text:
        text = _ASIDE.sub(" ", text)
    return text.strip().rpartition(" - ")[2]


def _cut(text: str) -> str:
    """The text without what follows "due to" and its like, or behind a comma, unless nothing telling is left."""
    marked = "," in text or ";" in text or "(" in text
    if not marked and _CUT_WORDS.isdisjoint(text.casefold().split()):
        return text
    return _shorter(text, _CUT.sub("", text).strip())


def spoken_substances(name: str) -> tuple[str, ...]:
    """What a visit calls an allergen: a drug by its spoken names, anything else in plain words, best first.

    `Penicillin V` → (`penicillin V`, `penicillin`); `Eggs (edible) (substance)` → (`eggs`,); `House dust mite
    (organism)` → (`house dust mite`,). "Allergy to substance" names nothing and gives ().
    """
    text = " ".join(name[:_LONGEST].split())
    if "(" in text:
        text = _TAG.sub("", text)
    base = _FORMER.sub("", text, count=1) if _FORMER.match(text) else text
    if base.casefold() in {"substance", "drug", "medication", "food", "other", "unknown", ""}:
        return ()
    first = base.split()[0].casefold()
    if first in BRANDS or first.endswith(STEMS) or _FIGURE.search(base) or "[" in base:
        return spoken_names(base)
    return _distinct([_lowered(_CUT.sub("", base).strip())])


def _shorter(text: str, shortened: str) -> str:
    """The shortened text, unless nothing or nothing telling is left of it."""
    return text if not shortened or shortened.casefold() in _TOO_GENERAL else shortened


def _lowered(text: str) -> str:
    words = text.strip(" ,.-:").split()
    if not words:
        return ""
    words[0] = _word(words[0], first=True)
    for place, word in enumerate(words[1:], start=1):
        if word in _EPONYMS or not word.islower():
            words[place] = _word(word, first=False)
    return " ".join(words)


def _word(word: str, *, first: bool) -> str:
    """Sentence capitals go; names of people, abbreviations and letters of a type stay."""
    if word.casefold() in _EPONYMS:
        return word[:1].upper() + word[1:]
    if first or word[1:].islower() or not any(character.isupper() for character in word[1:]):
        if len(word) > 1 and word.isalpha() and not word.isupper():
            return word.lower()
        keep = (
            (1 < len(word) <= _LONGEST_ABBREVIATION and word.isupper())
            or (len(word) == 1 and not first)
            or any(c.isdigit() for c in word)
        )
        return word if keep else word.lower()
    return word


def _distinct(names: list[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        if name.isalpha() or any(character.isalpha() for character in name):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())
