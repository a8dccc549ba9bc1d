"""What the clinician found and thinks. In: one sentence of the clinician. Out: note text for objective or assessment.

Never drops a hedge: "I think", "looks like" and "probably" stay visible.
"""

from __future__ import annotations

import re

from connector.drafting.phrases import Pronouns, capital, from_clinician
from connector.drafting.speech import without_opener

_LOOKING = re.compile(
    r"^(?:(?:so |and |now )?(?:looking|i'm looking|look) (?:here )?at (?:your|the|some of the) [^,]{2,60},\s*|"
    r"(?:so )?(?:here(?:'s| is| are) (?:your|the) [^,.]{2,60},\s*)|"
    r"(?:here )?(?:in|on) (?:the |our )?(?:office|clinic)(?: today)?,?\s*|(?:so )?(?:it|that) (?:looks|"
    r"seems) like (?=(?:your|the) )|"
    r"(?:as|so) you can see,?\s*|(?:i|we) (?:can )?(?:do |just |also )*(?:see|note|find|found|saw) that\s+|"
    r"the good news is(?: that)?,?\s*|"
    r"(?:i'm|i am) (?:happy|glad|pleased) (?:to (?:see|say) )?(?:that\s+)?)",
    re.IGNORECASE,
)
_HEARD_NOT = re.compile(
    r"(?P<lead>(?:on|upon|for) [^,]{3,60},\s*)?(?:i|we) (?:don't|do not|didn't|did not|can't) (?:really |"
    r"actually )?(?:hear|appreciate|see|feel|notice|note|find|palpate) (?:any |a |an )?(?P<what>.+)",
    re.IGNORECASE,
)
_HEARD = re.compile(
    r"(?P<lead>(?:on|upon|for) [^,]{3,60},\s*)?(?:i|we) (?:do |can |also |still |just |definitely |"
    r"really )*(?:hear|appreciate|see|feel|noticed?|note|found|find|palpate) (?P<what>.+)",
    re.IGNORECASE,
)
_COPULA = re.compile(
    r"^(?P<vital>(?:your |the )?(?:blood pressure|heart rate|pulse|respiratory rate|temperature|oxygen saturation|"
    r"oxygen|weight|height|bmi)"
    r"(?: today| here| now)?) (?:is|was|reads|of|at|looks like)(?: about| at)? (?=\d)",
    re.IGNORECASE,
)
_THINKS = re.compile(
    r"(?P<lead>(?:for|regarding|as far as|in terms of|from) [^,]{3,80},\s*)?(?:i|we) (?:do |really |just |also |"
    r"still |kind of |would )*"
    r"(?:think|believe|feel like|feel|suspect|say)(?: that)?,? (?P<what>.+)",
    re.IGNORECASE,
)
_THINKS_NOT = re.compile(
    r"i (?:don't|do not) (?:really )?(?:think|believe|feel)(?: that| like)? (?P<what>.+)", re.IGNORECASE
)
_CONCERNED = re.compile(
    r"(?:i'm|i am|we're|that) (?:\w+ ){0,3}?(?:concerned|worried) (?P<what>(?:that|about|for|with|it) .+)",
    re.IGNORECASE,
)
_HEDGED = ((_THINKS_NOT, "Clinician does not think"), (_CONCERNED, "Concern"), (_THINKS, "Impression:"))
_JUDGES = re.compile(
    r"The clinician (?:thinks|suspects|believes|feels|hears|appreciates|sees|reviewed|checked|"
    r"does)\b"
)
_INTRODUCED = re.compile(
    r"^(?:[a-z'’.]+ ){1,4}is (?P<what>(?:a |an )(?:very )?(?:pleasant )?(?P<age>\d+)[- ]year[- ]old .+)", re.IGNORECASE
)
_KNOWN = re.compile(
    r"(?:and |so |but |now |also )*(?:i|we) (?:do |also )*(?:know|see|understand|saw|heard|read|noticed)(?: here|"
    r" from [\w ]+?| in (?:your|the) \w+)*(?: that)?,? (?P<what>.+)",
    re.IGNORECASE,
)


def finding_said(sentence: str, pronouns: Pronouns) -> str | None:
    """A vital sign, test or examination finding as note text; None where it cannot be put in third person."""
    plain = _LOOKING.sub("", without_opener(sentence)).strip()
    absent = _HEARD_NOT.fullmatch(plain)
    if absent:
        return _turned(f"{absent['lead'] or ''}no {absent['what']}", pronouns)
    heard = _HEARD.fullmatch(plain)
    if heard:
        return _turned(f"{heard['lead'] or ''}{heard['what']}", pronouns)
    vital = _COPULA.match(plain)
    if vital:
        plain = f"{vital['vital']} {plain[vital.end() :]}"
    return _telling(_turned(plain, pronouns))


def judgement_said(sentence: str, pronouns: Pronouns) -> str | None:
    """What the clinician thinks, as note text, with its hedge; None where it cannot be put in third person."""
    plain = without_opener(sentence).strip()
    for pattern, lead in _HEDGED:
        match = pattern.fullmatch(plain)
        if match:
            body = _subordinate(match["what"], pronouns)
            about = match.groupdict().get("lead")
            topic = _turned(about.strip(" ,"), pronouns) if about else None
            if body is None:
                return None
            return capital(f"{topic.rstrip('.')}: {lead.lower()} {body}" if topic else f"{lead} {body}")
    return _telling(_turned(plain, pronouns))


def _subordinate(what: str, pronouns: Pronouns) -> str | None:
    """A clause after "thinks": its subject stays (`you have a strain` → `she has a strain`)."""
    turned = from_clinician(f"that {what}", pronouns)
    return turned.rstrip(".")[len("that ") :] if turned else None


def _telling(text: str | None) -> str | None:
    """The text, unless it tells what the clinician did or means to talk about rather than what was found."""
    return None if text and text.startswith("The clinician ") and not _JUDGES.match(text) else text


def background_said(sentence: str, pronouns: Pronouns) -> str | None:
    """History the clinician states or recalls: `Ann is a 62-year-old with gout` → `62-year-old with gout.`"""
    plain = without_opener(sentence).strip()
    introduced = _INTRODUCED.match(plain)
    if introduced:
        return _turned(re.sub(r"^an? (?:very )?(?:pleasant )?", "", introduced["what"], flags=re.IGNORECASE), pronouns)
    known = _KNOWN.fullmatch(plain)
    return _turned(known["what"] if known else plain, pronouns)


def _turned(text: str, pronouns: Pronouns) -> str | None:
    text = re.sub(r"^your\s+", "", text.strip(), flags=re.IGNORECASE)
    return from_clinician(text, pronouns) if text else None
