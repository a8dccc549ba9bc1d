"""Where a clinician's sentence belongs. In: one sentence said by the clinician. Out: a section key, or None.

Never decides by the subject alone: without a cue of order, finding or judgement a sentence stays out of the note.
"""

from __future__ import annotations

import re

from connector.clinical.lexicon import is_clinical, names_body, names_drug, names_symptom
from connector.clinical.quantities import find_quantities
from connector.drafting.orders import find_order
from connector.drafting.speech import without_opener

_CHAT = re.compile(
    r"\b(?:nice to (?:meet|see)|good to see|how are you|thank you for coming|my name is|have a (?:good|great|nice)|"
    r"take care|"
    r"bye|you're welcome|no problem|no worries|sorry to hear|i'm sorry|that's (?:great|good|fine|okay|awesome|"
    r"wonderful|right)"
    r"(?: to hear)?$|glad to hear|happy to hear|good question|let me know if you have any questions|any questions|"
    r"i'd like to tell|write (?:a few|some) notes|let's (?:talk|chat|go over|review|start|begin|see|look)|"
    r"i (?:can|could) hear you|can you hear|mind if|bear with|just a (?:second|minute|moment)|hang on|tell me)\b",
    re.IGNORECASE,
)
_EXAMINING = re.compile(
    r"\b(?:(?:going to|gonna|let me|let's|i'll|i will|i want to|i'd like to|i'd just like to|can i|i need to|"
    r"i just want to|"
    r"we'll|i'm just) (?:just |quickly |also |go ahead and |do |take |have |go |try to )*(?:a )?(?:quick |brief |"
    r"little |short |"
    r"physical |full )*(?:examin\w*|exam|listen\w*|feel|press\w*|look\w*|check (?:you|your|out|some|it|this|that|"
    r"on|for)|"
    r"palpate|tap|physical|move on|pull up|ask|see|go over|talk|explain|run through|get (?:started|a few))|"
    r"deep breath|breathe (?:in|out)|open (?:your mouth|wide)|say ah|lie (?:back|down)|sit (?:up|back|down)|"
    r"have a seat|"
    r"(?:push|pull|squeeze|press|kick|grip) (?:against|up|down|my|out|as|on)|follow my|look (?:up|down|straight|"
    r"at my)|"
    r"does (?:this|that|it) hurt|tell me (?:if|when)|touch your|bend (?:your|it|over)|turn (?:your|over|around)|"
    r"stand up for me|hop up|roll up|show me)\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^(?:hey|ok|okay|hello)[, ]+[a-z]+[, ]+(?=show|pull|open|order|remind|display|get|bring|find|let)", re.IGNORECASE
)
_VITAL = re.compile(
    r"\b(?:blood pressure|pressure|heart rate|pulse(?: ox(?:imetry)?)?|respiratory rate|respirations?|temperature|"
    r"temp|"
    r"oxygen(?: saturation| level)?|o2(?: sat\w*)?|sat(?:uration|s)?|spo2|weight|height|bmi|body mass index|"
    r"vital signs|vitals)\b",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"\b(?:x-?rays?|ct|cat scan|mri|scans?|ultrasound|echo(?:cardiogram)?|ekg|ecg|labs?|lab (?:work|results|"
    r"values)|blood (?:work|"
    r"tests?|counts?|sugars?|count)|hemoglobin|a1c|white (?:blood )?(?:cell )?count|platelets?|creatinine|"
    r"potassium|sodium|glucose|"
    r"cholesterol|ldl|hdl|triglycerides|tsh|panel|urinalysis|urine (?:test|sample|dip)|culture|biopsy|mammogram|"
    r"colonoscopy|"
    r"pulmonary function|stress test|pft|strep (?:test|swab)|swab|results?|images?|imaging|kidney function|"
    r"liver function|egfr)\b",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"\b(?:show(?:s|ed|n|ing)?|reveal(?:s|ed)?|demonstrat\w+|(?:is|was|are|were|came back|look|looks|looked|"
    r"comes? back|turned out) "
    r"(?:\w+ly |\w+ )?(?:normal|negative|positive|clear|fine|good|great|nice|slow|fast|elevated|high|low|stable|"
    r"unremarkable|up|down|okay|ok|\d)|"
    r"within normal|consistent with)\b",
    re.IGNORECASE,
)
_FOUND = re.compile(
    r"\b(?:(?:on|upon|for) (?:your |the |my |physical )*(?:\w+ )?(?:exam|examination|inspection|palpation|"
    r"auscultation)|"
    r"i (?:do |also |can |don't |do not |just |really |still |definitely )*(?:hear|appreciate|see|feel|notice|note|"
    r"palpate)|"
    r"to palpation|range of motion|to auscultation|bilaterally|murmurs?|gallops?|rubs|wheez\w+|crackles|rales|rhonchi|"
    r"tender(?:ness)?|erythema|edema|ecchymosis|effusion|crepitus|guarding|rebound|straight leg|reflexes|pulses|"
    r"lymph\w*|sinus rhythm|regular (?:rate|rhythm)|pitting|soft|distended|swollen|reproducible|deformity|strength)\b",
    re.IGNORECASE,
)
_FINDING_WORDS = re.compile(
    r"\b(?:normal|clear|regular|irregular|tender|swollen|swelling|soft|red|redness|inflamed|intact|equal|"
    r"symmetric\w*|full|"
    r"decreased|limited|good|fine|enlarged|warm|dry|moist|no (?:\w+ )?(?:swelling|murmur\w*|edema|redness|"
    r"tenderness|wheez\w*|"
    r"fracture|bruising|rash|masses|lumps))\b",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    r"\b(?:i (?:do |really |just |also |still |kind of )*(?:think|believe|suspect|feel like|feel that|would say)|"
    r"i don't (?:think|believe|"
    r"feel)|(?:looks?|sounds?|seems?|appears?|feels?) (?:like|to be|as if|as though|that)|consistent with|"
    r"suggest\w*|indicat\w*|"
    r"likely|unlikely|probably|possibly|most likely|my (?:assessment|impression|diagnosis|concern|feeling)|diagnos\w+|"
    r"(?:above|below|at|under|near|not at) goal|(?:well|poorly|not well|under|better|un)[- ]?control\w*|"
    r"out of control|in control|"
    r"concern(?:ed|ing)?|worried|exacerbation|flare(?:-?up)?|due to|caused by|secondary to|result of|side effect|"
    r"(?:list|chart|record) (?:shows?|says?|has)|rule(?:d)? out|stable|improv\w+|worsen\w*|doing (?:well|great|"
    r"better|okay|good|fine)|(?:this|that|it|which) means|"
    r"what (?:you have|we call)|called|you(?:'ve| have)(?: got)? (?:a|an|what)|this is (?:a|an|just|probably|"
    r"likely|most)|"
    r"risk (?:of|for|factors?)|high(?:er)? risk|in remission|resolved|healing)\b",
    re.IGNORECASE,
)
_HISTORY = re.compile(
    r"\b(?:\d+[- ]year[- ]old|past medical history|history of|presents? (?:with|for|today|to|here)|"
    r"here (?:today )?(?:for|with|because|to)|you (?:are|were|have been|are also) (?:allergic|diagnosed|seen|"
    r"admitted|hospitalized)|"
    r"i (?:know|see|understand|saw|heard|read) (?:here |in your chart |from \w+ )*(?:that )?(?:you|it|your|in)|"
    r"you (?:said|mentioned|told me|were saying|reported|endorsed|noted|called))\b",
    re.IGNORECASE,
)


_THOUGHT = re.compile(r"i (?:do |really |just |also )*(?:think|believe|suspect|don't think)\b", re.IGNORECASE)


def without_command(sentence: str) -> str:
    """The sentence without the name of a voice assistant it is addressed to."""
    return _COMMAND.sub("", sentence)


def section_of(sentence: str, *, within: str = "") -> str | None:
    """`subjective`, `objective`, `assessment` or `plan` for a clinician's sentence; None for chat, process, teaching.

    `within` is the whole sentence where only a clause of it is sorted.
    """
    plain = without_opener(without_command(sentence))
    if plain.endswith("?") or _EXAMINING.search(plain):
        return None
    if find_order(plain, within=within):
        return "plan"
    if _CHAT.search(plain):
        return None
    if _HISTORY.search(plain) and is_clinical(plain):
        return "subjective"
    if re.match(r"if\b", plain, re.IGNORECASE):
        return None
    if _THOUGHT.match(plain) and is_clinical(plain):
        return "assessment"
    if _is_measured(plain):
        return "objective"
    if _JUDGED.search(plain) and (is_clinical(plain) or _TEST.search(plain)):
        return "assessment"
    if _is_finding(plain):
        return "objective"
    return None


def _is_measured(plain: str) -> bool:
    """A vital sign or test with a value or a result."""
    valued = any(quantity.kind != "rate" for quantity in find_quantities(plain))
    if _VITAL.search(plain) and (valued or _SHOWN.search(plain)) and not re.search(r"\bgoal\b|control", plain):
        return True
    return bool(
        _TEST.search(plain) and (_SHOWN.search(plain) or (valued and re.search(r"\b(?:is|was|at|of)\b", plain)))
    )


def _is_finding(plain: str) -> bool:
    if re.search(r"\b(?:if|should|would|could|can|will|may|might)\b", plain, re.IGNORECASE):
        return False
    if _FOUND.search(plain):
        return True
    if re.match(r"there(?:'s| is| are| was| were| isn't| aren't) ", plain, re.IGNORECASE) and names_symptom(plain):
        return not names_drug(plain)
    if (names_body(plain) or names_symptom(plain)) and _FINDING_WORDS.search(plain):
        return not names_drug(plain)
    return bool(
        re.match(r"you (?:do )?have (?:some|a little|a bit|mild|trace|slight|no|good|full)\b", plain, re.IGNORECASE)
    )
