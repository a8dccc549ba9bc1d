"""Orders and advice. In: one sentence said by the clinician. Out: whether it orders, and the order in note style.

Never changes drug, dose, number or condition; an order it cannot rephrase is kept in the clinician's words.
"""

from __future__ import annotations

import re

from connector.clinical.lexicon import is_clinical, names_drug
from connector.clinical.quantities import find_quantities
from connector.clinical.word_lists import word_list
from connector.drafting.phrases import Pronouns, capital, from_clinician
from connector.drafting.speech import opens_question, without_opener

_SOFT = r"(?:also |just |really |probably |definitely |certainly |actually |then |still |kind of |gonna |go ahead and |try to |start to )*"
_VERBS = "|".join(
    word.replace(" ", r"\s+")
    for word in word_list(
        """
        take start stop continue increase decrease raise lower double reduce avoid keep come_back return follow_up call
        check recheck repeat get use apply drink rest ice elevate schedule monitor bring hold finish complete limit cut
        see wear eat stay order refer prescribe send give put add switch change leave discontinue resume restart
        arrange obtain draw run do perform try make set_up book plan recommend watch contact go let_me_know give_me
        reach_out consider proceed treat manage inject place wean taper titrate adjust refill renew wash clean soak
        remove gargle push_fluids have look_out look_into work_on talk_to test screen x-ray review begin move maintain
        """
    )
)
_OURS = re.compile(
    rf"(?:(?:what )?(?:i|we)(?:'m| am|'re| are)? {_SOFT}(?:going to|'ll|will|would like to|'d like to|want to|would|need to|plan to|"
    rf"should|can|could|have to|'d|recommend(?: that)? we|think (?:that )?(?:we|i) (?:should|can|could|need to|will|'ll)|"
    rf"would recommend(?: that)? we|'d recommend(?: that)? we)|(?:i|we)'(?:ll|d like to|d)|"
    rf"let's|let us|let me|we're|i'm|the plan (?:is|will be) to|"
    rf"my (?:plan|recommendation) (?:is|would be) to|it's time to)\s+{_SOFT}(?:be )?(?P<verb>{_VERBS})(?P<ing>ing)?\b(?P<rest>.*)",
    re.IGNORECASE,
)
_OURS_ING = re.compile(
    rf"(?:i'm|i am|we're|we are|i'll be|we'll be) {_SOFT}(?P<verb>starting|stopping|ordering|prescribing|referring|continuing|increasing|"
    r"decreasing|adding|sending|putting|giving|checking|switching|getting)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_YOU_TO = re.compile(
    rf"(?:i|we)(?:'d| would|'m going to|'ll| will| am going to| do| also| just| really)* {_SOFT}(?:want|like|need|ask|advise|encourage|"
    rf"recommend|have|suggest|recommend that|suggest that)(?: for)? you (?:guys )?(?:to )?{_SOFT}(?P<what>.+)",
    re.IGNORECASE,
)
_YOU_SHOULD = re.compile(
    rf"(?:you {_SOFT}(?:should|need to|have to|must|can|could|may want to|might want to|want to|ought to|will need to|'ll need to|"
    rf"are going to|will|don't need to|do not need to|shouldn't|should not|can't|cannot)|"
    rf"you'(?:ll|re) {_SOFT}(?:need to|going to|want to|going to want to|going to need to|have to)|you'll)\s+{_SOFT}(?P<what>(?:{_VERBS}|be)\b.+)",
    re.IGNORECASE,
)
_MAKE_SURE = re.compile(
    rf"(?:please |just |also |do )*(?:make sure(?: that)?|be sure(?: that)?|remember)(?: you| to|:)* (?P<what>.+)",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    rf"(?:please |just |also |then |always |do |definitely )*(?P<what>(?:don't |do not |never )?(?:{_VERBS})\b.*)",
    re.IGNORECASE,
)
_NO_MORE = re.compile(r"no (?:more|further|other) .+|nothing (?:heavy|strenuous|by mouth).*", re.IGNORECASE)
_TOPIC = re.compile(
    r"(?P<topic>(?:(?:as|so) )?(?:for|regarding|in terms of|as far as|from (?:a|an|the)|with regards? to|when it comes to|"
    r"until then|in the meantime|if|when|once|after|before|should|at this (?:point|time)|at that (?:point|time)|today|for now|"
    r"depending on)\b[^,]{2,140}),\s*(?P<rest>.+)",
    re.IGNORECASE,
)
_NO_TOPIC = re.compile(r"(?:today|at this (?:point|time)|for now|until then|in the meantime)$", re.IGNORECASE)
_REWRITTEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), written)
    for pattern, written in (
        (r"^(?:come (?:back )?(?:and |to )?)?see (?:me|us|you)(?: back)?(?: again)?\b", "follow up"),
        (r"^follow up with (?:me|us)\b", "follow up"),
        (r"^(?:put|get) you (?:back )?on\b", "start"),
        (r"^(?:keep|leave|have) you on\b", "continue"),
        (r"^(start|continue) you (?:back )?on\b", r"\1"),
        (r"^continue on\b", "continue"),
        (r"^on\b", "be on"),
        (r"^(refer|switch|wean|take|set) you\b", r"\1 patient"),
        (r"^(give|prescribe|send|get|order|schedule) you (?!up\b|in\b|out\b|started\b)", r"\1 "),
        (r"^(order|prescribe|get|write|schedule|send|give) (.*?) for you\b", r"\1 \2"),
        (r"\b(?:give (?:me|us|the office) a call|call (?:me|us))\b", "call"),
        (r"\blet (?:me|us) know\b", "report"),
        (r"\bsee (?:me|us)\b", "follow up"),
        (r"\band please\b", "and"),
    )
)
_PROCESS = re.compile(
    r"\b(?:take a (?:quick |little )?(?:look|listen|peek|seat|deep)|(?:do|get|start(?: with)?) (?:a |your |my |the |some )?(?:quick |brief |little )*"
    r"(?:physical|exam\w*|notes?|check-?up)|see (?:what|how|if|that|it|the results)|look at|go over|talk (?:about|through|to you)|"
    r"tell|show|ask|let you know|put (?:it|that) in|have a (?:look|seat|good|great|nice|listen)|give (?:it|that) a|make sense|"
    r"get (?:you )?(?:started|going|into|undressed|ready|done|out of)|go ahead and (?:look|examine)|do that|do this|check (?:out )?your "
    r"(?:heart|lungs|eyes|ears|back|knee|neck|belly)|get back to|keep (?:an eye|in mind)|see you (?:soon|later)|"
    r"take care of (?:that|it|yourself)|call (?:it|that|this)|have (?:any|the same|had|been|some|a little)|do (?:well|great|okay|you)|"
    r"see (?:a|some|any|your|that|this|here|the (?:x-ray|results|image))|make (?:me|you|sense|it)|go (?:away|back|through|from))\b",
    re.IGNORECASE,
)
_DIRECTED = re.compile(
    r"^(?:see (?:me|us)|take|start|stop|continue|increase|decrease|avoid|come back|return|follow up|call|recheck|repeat|prescribe|refer|order|"
    r"schedule|monitor|discontinue|resume|restart|refill|elevate|ice|rest|wear|limit|keep|let me know|give me a call|go to|drink|"
    r"hold|apply|finish|use|switch|add|bring|contact|check)\b",
    re.IGNORECASE,
)
_DOSED = re.compile(
    r"\b(?:as needed|under the tongue|by mouth|at bedtime|with food|twice|once|every \w+ hours?|daily|a day)\b",
    re.IGNORECASE,
)
_DOSES = frozenset({"mg", "mcg", "g", "mL", "units", "tablet", "capsule", "puff", "drop", "spray"})
_COMING = re.compile(
    r"\b(?:follow up|come back|return|see (?:me|us|you)|call|911|emergency|symptoms?|refer\w*|specialist|walk\w*|fluids?|"
    r"rest|water|salt|sugar|foods?)\b",
    re.IGNORECASE,
)
_BASES = {"stopp": "stop", "putt": "put", "gett": "get", "referr": "refer", "giv": "give", "prescrib": "prescribe"}
_BASES |= {
    "continu": "continue",
    "increas": "increase",
    "decreas": "decrease",
    "tak": "take",
    "mak": "make",
    "us": "use",
}
_REASON = re.compile(
    r"^(?P<why>.+?),? (?:so|and so|and therefore|therefore) (?=(?:i|we|i'll|we'll|i'm|we're|let's|i'd|please|you should)\b)",
    re.IGNORECASE,
)


def is_order(sentence: str, *, within: str = "") -> bool:
    """Whether a clinician's sentence (a clause of `within`) orders, advises or arranges something."""
    return order_in(sentence, within=within) is not None


def order_in(sentence: str, *, within: str = "") -> tuple[str, str, str] | None:
    """(topic, actor, what) of an order: actor `us` or `patient`, what as a base-form phrase; None for no order."""
    plain = without_opener(sentence).rstrip(" .!,")
    if not plain or (opens_question(plain) and plain.endswith("?")):
        return None
    topic, rest = _topic(plain)
    rest = without_opener(rest)
    for pattern, actor in ((_YOU_TO, "patient"), (_YOU_SHOULD, "patient"), (_MAKE_SURE, "patient")):
        match = pattern.fullmatch(rest)
        if match and not _PROCESS.search(rest) and _worth(match["what"], topic or within):
            return topic, actor, _kept_negation(rest, match["what"])
    ours = _OURS.fullmatch(rest) or _OURS_ING.fullmatch(rest)
    if ours:
        verb = _base(ours["verb"])
        what = f"{verb}{ours['rest']}"
        return None if _PROCESS.search(what) or not _worth(what, topic or within) else (topic, "us", what)
    commanded = _IMPERATIVE.fullmatch(rest) or _NO_MORE.fullmatch(rest)
    if commanded and not _PROCESS.search(rest):
        what = commanded.groupdict().get("what") or rest
        bare = re.sub(r"^(?:don't|do not|never)\s+", "", what, flags=re.IGNORECASE)
        if _NO_MORE.fullmatch(rest) or _DIRECTED.match(bare):
            return (topic, "us", what) if _worth(what, topic or within) else None
    if _is_bare_dose(rest):
        return topic, "us", rest
    return None


def phrase_order(sentence: str, pronouns: Pronouns) -> str | None:
    """The order in note style: `Let's increase your metoprolol to 50 mg.` → `Increase metoprolol to 50 mg.`, `I want you
    to check your pressure daily.` → `Patient to check pressure daily.`; None where it is no order.
    """
    found = order_in(sentence, within="care")
    if not found:
        return None
    topic, actor, what = found
    what = re.sub(r"^(?:go ahead and|try and|try to|just|also|please)\s+", "", what, flags=re.IGNORECASE)
    for pattern, written in _REWRITTEN:
        what = pattern.sub(written, what, count=1)
    plain = _impersonal(what, pronouns)
    if plain is None:
        return None
    lead = _impersonal(topic, pronouns) if topic else ""
    text = f"patient to {plain}" if actor == "patient" else plain
    return capital(f"{lead}, {text}" if lead else text)


def split_reason(sentence: str) -> tuple[str, str]:
    """`Your potassium was 5.1, so I will leave losartan at 50 mg.` → the reason and the order; reason "" if none."""
    match = _REASON.match(sentence)
    if not match or len(match["why"].split()) < 3:
        return "", sentence
    return match["why"], sentence[match.end() :]


def _topic(plain: str) -> tuple[str, str]:
    match = _TOPIC.fullmatch(plain)
    if not match:
        return "", plain
    topic = re.sub(r"^(?:as|so) for", "for", match["topic"], flags=re.IGNORECASE)
    return ("" if _NO_TOPIC.search(topic) and not is_clinical(topic) and "if" not in topic else topic), match["rest"]


def _worth(what: str, topic: str) -> bool:
    """An order names something of care, a quantity, or a visit to come."""
    text = f"{topic} {what}"
    if is_clinical(text) or names_drug(text) or any(q.unit for q in find_quantities(text)):
        return True
    return bool(_COMING.search(text))


def _kept_negation(rest: str, what: str) -> str:
    negative = re.match(r"(?:you (?:\w+ )*?(?:don't|do not) need to)", rest, re.IGNORECASE)
    if negative:
        return f"not need to {what}"
    if re.match(r"you (?:\w+ )*?(?:shouldn't|should not|can't|cannot)", rest, re.IGNORECASE):
        return f"not {what}"
    return re.sub(r"^(?:don't|do not)\b", "not", what, flags=re.IGNORECASE)


def _base(verb: str) -> str:
    low = verb.casefold()
    if not low.endswith("ing") or low in {"bring"}:
        return verb
    stem = low[:-3]
    return _BASES.get(stem, stem)


def _impersonal(text: str, pronouns: Pronouns) -> str | None:
    """The phrase without "your", with "you" as the patient and "I" as the clinician; None where that fails."""
    text = re.sub(r"\byour\s+(?=own\b)", "the ", text, flags=re.IGNORECASE)
    text = re.sub(r"\byour\s+", "", text, flags=re.IGNORECASE)
    for pattern, written in ((r"\bI\b", "the clinician"), (r"\bmy\b", "the clinician's"), (r"\bme\b", "the clinician")):
        text = re.sub(pattern, written, text)
    turned = from_clinician(" ".join(text.split()), pronouns)
    if turned is None:
        return None
    plain = turned.rstrip(".")
    return plain if plain[:2].isupper() else plain[:1].lower() + plain[1:]


def _is_bare_dose(rest: str) -> bool:
    """`One spray under the tongue for chest pain`: a dose without a verb."""
    doses = [quantity for quantity in find_quantities(rest) if quantity.unit in _DOSES]
    return bool(doses) and bool(_DOSED.search(rest)) and doses[0].start == 0
