"""Orders and advice. In: one sentence said by the clinician. Out: whether it orders, and the order in note style.

Never changes drug, dose, number or condition; an order it cannot rephrase is left out rather than guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.clinical.lexicon import is_clinical, names_drug
from connector.clinical.quantities import find_quantities
from connector.drafting.order_words import (
    ADVISED,
    COMING,
    DIRECTED,
    DOSED,
    DOSES,
    GERUND_BASES,
    IDLE_TOPIC,
    IMPERATIVE,
    INTENT,
    MAKE_SURE,
    NO_MORE,
    OURS,
    OURS_ING,
    PROCESS,
    REASON,
    REWRITTEN,
    TOPIC,
    WATCH_FOR,
    WHAT_WE_DO,
    YOU_MUST,
    YOU_SHOULD,
    YOU_TO,
)
from connector.drafting.phrases import Pronouns, capital, from_clinician
from connector.drafting.speech import opens_question, without_opener

_LATEST_DOSE = 4


@dataclass(frozen=True, slots=True)
class Order:
    """`what` in base form, asked of the `patient` or done by us; `topic` is the condition it stands under."""

    topic: str
    what: str
    patient: bool = False


def find_order(sentence: str, *, within: str = "") -> Order | None:
    """The order in a clinician's sentence (a clause of `within`); None for chat, examination steps and teaching."""
    plain = without_opener(sentence).rstrip(" .!,")
    if not plain or (opens_question(plain) and sentence.rstrip().endswith("?")):
        return None
    topic, rest = _topic(WHAT_WE_DO.sub("we will ", plain))
    order = _ordered(without_opener(rest) or rest, topic)
    if order is None and topic and "," in rest:
        further, _, after = rest.partition(",")
        order = _ordered(without_opener(after.strip()), f"{topic}, {further}")
    return order if order and _worth(order, within) else None


def phrase_order(sentence: str, pronouns: Pronouns) -> str | None:
    """The order in note style; None where it is no order.

    `Let's increase your metoprolol to 50 mg.` → `Increase metoprolol to 50 mg.`; `I want you to check your pressure
    daily.` → `Patient to check pressure daily.`
    """
    order = find_order(sentence, within="care")
    if not order:
        return None
    what = order.what
    for pattern, written in REWRITTEN:
        what = pattern.sub(written, what, count=1)
    plain = _impersonal(what, pronouns)
    lead = _impersonal(order.topic, pronouns) if order.topic else ""
    if plain is None or lead is None:
        return None
    text = f"patient to {plain}" if order.patient else plain
    return capital(f"{lead}, {text}" if lead else text)


def split_reason(sentence: str) -> tuple[str, str]:
    """`Your potassium was 5.1, so I will leave losartan at 50 mg.` → the reason and the order; reason "" if none."""
    match = REASON.match(sentence)
    if not match or len(match["why"].split()) < 3:
        return "", sentence
    return match["why"], sentence[match.end() :]


def _topic(plain: str) -> tuple[str, str]:
    match = TOPIC.fullmatch(plain)
    if not match:
        return "", plain
    topic = re.sub(r"^(?:as|so) for", "for", match["topic"] or match["topic2"], flags=re.IGNORECASE)
    return ("" if IDLE_TOPIC.fullmatch(topic) else topic), match["rest"] or match["rest2"]


def _ordered(rest: str, topic: str) -> Order | None:
    for pattern in (YOU_TO, YOU_SHOULD, MAKE_SURE, WATCH_FOR):
        match = pattern.fullmatch(rest)
        if match and (pattern is not YOU_SHOULD or YOU_MUST.search(rest[: match.start("what")])):
            what = f"watch for {match['what']}" if pattern is WATCH_FOR else _kept_negation(rest, match["what"])
            return None if PROCESS.match(what) else Order(topic, what, patient=True)
    ours = OURS.fullmatch(rest) or OURS_ING.fullmatch(rest)
    if ours:
        return _our_order(ours, topic)
    commanded = IMPERATIVE.fullmatch(rest)
    if commanded and not PROCESS.match(commanded["what"]):
        bare = re.sub(r"^(?:don't|do not|never)\s+", "", commanded["what"], flags=re.IGNORECASE)
        return Order(topic, commanded["what"]) if DIRECTED.match(bare) else None
    whole = NO_MORE.fullmatch(rest) or ADVISED.fullmatch(rest) or _is_bare_dose(rest)
    return Order(topic, rest) if whole else None


def _our_order(match: re.Match[str], topic: str) -> Order | None:
    found = match.groupdict()
    verb = found["verb"] or found.get("verb2") or ""
    base = _base(f"{verb}{found.get('ing') or found.get('ing2') or ''}")
    what = f"{base}{found['rest'] or found.get('rest2') or ''}"
    lead = match.group()[: match.start("verb" if found["verb"] else "verb2") - match.start()]
    if PROCESS.match(what) or (match.re is OURS and not INTENT.search(lead)):
        return None
    if not found.get("neg"):
        return Order(topic, what)
    needed = re.search(r"\b(?:need|have) to\b", lead, re.IGNORECASE)
    return Order(topic, f"no need to {what}" if needed else f"do not {what}")


def _base(verb: str) -> str:
    if not verb.casefold().endswith("ing") or verb.casefold() == "bring":
        return verb
    stem = verb[:-3]
    return GERUND_BASES.get(stem.casefold(), stem)


def _kept_negation(rest: str, what: str) -> str:
    lead = rest[: len(rest) - len(what)]
    if re.search(r"\b(?:don't|do not) need to\b", lead, re.IGNORECASE):
        return f"not need to {what}"
    if re.search(r"\b(?:shouldn't|should not|can't|cannot)\b", lead, re.IGNORECASE):
        return f"not {what}"
    return re.sub(r"^(?:don't|do not)\b", "not", what, flags=re.IGNORECASE)


def _worth(order: Order, within: str) -> bool:
    """An order names something of care, a quantity, or a visit to come."""
    text = f"{order.topic or within} {order.what}"
    if is_clinical(text) or names_drug(text) or COMING.search(text):
        return True
    return any(quantity.unit for quantity in find_quantities(text))


def _impersonal(text: str, pronouns: Pronouns) -> str | None:
    """The phrase without "your", with "you" as the patient and "I" as the clinician; None where that fails."""
    text = re.sub(r"\byour\s+(?=own\b)", "the ", text, flags=re.IGNORECASE)
    text = re.sub(r"\byour\s+", "", text, flags=re.IGNORECASE)
    turned = from_clinician(" ".join(text.split()), pronouns)
    if turned is None:
        return None
    plain = turned.rstrip(".")
    return plain if plain[:2].isupper() else plain[:1].lower() + plain[1:]


def _is_bare_dose(rest: str) -> bool:
    """`One spray under the tongue for chest pain`, `tramadol, 50 mg, every 6 hours`: a dose without a verb."""
    doses = [quantity for quantity in find_quantities(rest) if quantity.unit in DOSES]
    if not doses or not DOSED.search(rest):
        return False
    before = rest[: doses[0].start].split()
    return not before or (len(before) <= _LATEST_DOSE and names_drug(before[0]))
