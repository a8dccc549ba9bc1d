"""How clinicians order and advise. In: nothing. Out: patterns and rewritings. Never holds a drug, dose or diagnosis."""

from __future__ import annotations

import re

from connector.clinical.word_lists import word_list

VERBS = "|".join(
    sorted(
        (
            word.replace(" ", r"\s+")
            for word in word_list(
                """
    take start stop continue increase decrease raise lower double reduce avoid keep come_back return follow_up call
    check recheck repeat get use apply drink rest ice elevate schedule monitor bring hold finish complete limit cut
    see wear eat stay order refer prescribe send give put add switch change leave discontinue resume restart arrange
    obtain draw run do perform try make set_up book plan recommend watch contact go_to go_for let_me_know give_me
    reach_out consider proceed treat manage inject place wean taper titrate adjust refill renew wash clean soak
    remove gargle push_fluids have look_out look_into work_on talk_to test screen x-ray maintain discuss_with
    """
            )
        ),
        key=len,
        reverse=True,
    )
)
_AUX = (
    r"(?:going to|gonna|would like to|like to|want to|wanna|need to|have to|plan to|try to|start to|happy to|able to|"
    r"go ahead and|think (?:that )?(?:we|i)|recommend(?: that)? (?:we|i)|will|would|should|can|could|might|may|do|"
    r"be|am|"
    r"are|also|just|really|probably|definitely|certainly|actually|then|still|now|likely|always|usually|normally)"
)
NEGATION = r"(?:don't|do not|won't|will not|wouldn't|would not|shouldn't|should not|not)"
OURS = re.compile(
    rf"(?:what )?(?:i|we)(?:'m|'re|'ll|'d)?(?:\s+(?:{_AUX}|"
    rf"(?P<neg>{NEGATION})))*\s+(?P<verb>{VERBS})(?P<ing>ing)?\b(?P<rest>.*)"
    rf"|(?:let's|let us|let me|the plan (?:is|will be) to|my (?:plan|recommendation) (?:is|would be) to|going to)"
    rf"(?:\s+(?:{_AUX}))*\s+(?P<verb2>{VERBS})(?P<ing2>ing)?\b(?P<rest2>.*)",
    re.IGNORECASE,
)
INTENT = re.compile(
    r"'ll\b|'d\b|\b(?:going to|gonna|want to|wanna|like to|need to|have to|plan to|will|won't|would|should|"
    r"think (?:that )?(?:we|i)|recommend|might|may|can|could|let's|let us|let me|to)\b",
    re.IGNORECASE,
)
OURS_ING = re.compile(
    rf"(?:i|we)(?:'m|'re|'ll| am| are| will)(?:\s+(?:{_AUX}|(?P<neg>{NEGATION})))*\s+(?P<verb>starting|stopping|"
    rf"ordering|"
    r"prescribing|referring|continuing|increasing|decreasing|adding|sending|putting|giving|checking|switching|getting|"
    r"repeating|taking)\b(?P<rest>.*)",
    re.IGNORECASE,
)
YOU_TO = re.compile(
    rf"(?:i|we)(?:'d|'ll|'m)?(?:\s+(?:{_AUX}))*\s+(?:want|like|need|ask|advise|encourage|recommend|have|suggest)"
    rf"(?: that| for)? you(?: guys)?(?: to)?(?:\s+(?:{_AUX}))* (?P<what>.+)",
    re.IGNORECASE,
)
YOU_SHOULD = re.compile(
    rf"you(?:'ll|'re)?(?: (?:also|just|really|probably|definitely|still|then))*(?: (?:should|need to|have to|must|can|"
    rf"could|may|might|want to|ought to|will|are|going to|don't need to|do not need to|shouldn't|should not|can't|"
    rf"cannot))*"
    rf"(?:\s+(?:{_AUX}))*\s+(?P<what>(?:{VERBS}|be)\b.+)",
    re.IGNORECASE,
)
YOU_MUST = re.compile(
    r"\b(?:should|need|have to|must|can|could|may|might|want|ought|will|going to|cannot|can't)\b|you'll", re.IGNORECASE
)
MAKE_SURE = re.compile(
    r"(?:please |just |also |do )*(?:make sure(?: that)?|be sure(?: that)?|remember)(?: you| to|:)* (?P<what>.+)",
    re.IGNORECASE,
)
WATCH_FOR = re.compile(
    r"things? (?:to|you should|you need to) (?:look|watch) (?:out )?for (?:are|is|would be|include),?\s*(?P<what>.+)",
    re.IGNORECASE,
)
IMPERATIVE = re.compile(
    rf"(?:please |just |also |then |always |definitely |go ahead and )*(?P<what>(?:don't |do not |"
    rf"never )?(?:{VERBS})\b.*)",
    re.IGNORECASE,
)
ADVISED = re.compile(
    r"it(?:'s|'d be| is| was| may be| might be| would be| could be) (?:always )?(?:worth|good to|best to|better to|"
    r"helpful to|"
    r"reasonable to|important (?:that you|to)|a good idea to) (?!know\b|see\b|hear\b).+",
    re.IGNORECASE,
)
WHAT_WE_DO = re.compile(
    r"^what (?:i|we)(?:'d| would|'m| am|'re| are)? (?:going to|like(?: to)?|want(?: to)?|recommend|"
    r"suggest)(?: you)?(?: do)?,? "
    r"(?:is|would be),? (?:that )?(?:to |i'm going to |we're going to |i'd like to |i want to )?",
    re.IGNORECASE,
)
NO_MORE = re.compile(r"no (?:more|further|other) .+|nothing (?:heavy|strenuous|by mouth).*", re.IGNORECASE)
TOPIC = re.compile(
    r"(?P<topic>(?:(?:as|so) )?(?:for|regarding|in terms of|as far as|from (?:a|an|the)|with regards? to|"
    r"when it comes to|"
    r"until then|in the meantime|if|when|once|after|before|should|at (?:this|that) (?:point|time)|today|for now|"
    r"lastly|"
    r"depending on|until)\b[^,]{0,140}),\s*(?P<rest>.+)"
    r"|(?P<topic2>from (?:a|an|the) [\w ]{2,40}? (?:standpoint|perspective)|for your [\w ]{3,60}?)\s+"
    r"(?P<rest2>(?:i'm|i am|i'd|i want|i would|i do|we're|we'll|we|let's|continue|go ahead)\b.+)",
    re.IGNORECASE,
)
IDLE_TOPIC = re.compile(
    r"(?:(?:today|at (?:this|that) (?:point|time)|for now|until then|in the meantime|lastly)[ ,]*)+$", re.IGNORECASE
)
REASON = re.compile(
    r"^(?P<why>.+?),? (?:so|and so|and therefore|therefore) (?=(?:i|we|i'll|we'll|i'm|we're|let's|i'd|please|"
    r"you should)\b)",
    re.IGNORECASE,
)
PROCESS = re.compile(
    r"(?:take a (?:quick |little )?(?:look|listen|peek|seat|deep)|(?:do|get|start(?: with)?) (?:a |your |my |the |"
    r"some )?(?:quick |"
    r"brief |little |short )*(?:physical|exam\w*|notes?|check-?up)|start (?:with|off|over)|see (?:what|how|if|that|"
    r"it|the|"
    r"a|some|any|your|this|here|you (?:soon|later))|look at|go (?:over|away|back|through|from|down|up|into)|talk|"
    r"tell|show|ask|let you know|"
    r"put (?:it|that|in|this)|have (?:a (?:look|seat|good|great|nice|listen)|any|the same|had|been|some|a little|"
    r"what)|"
    r"give (?:it|that) a|make (?:sense|me|you|it)|get (?:you )?(?:started|going|into|undressed|ready|done|out of|"
    r"back to)|"
    r"do (?:that|this|well|great|okay|you|it)(?= *(?:$|[,.]|for|in|now|today))|keep (?:in mind)|"
    r"check (?:out )?your (?:heart|lungs|eyes|ears|back|knee|neck|belly)|"
    r"take care of (?:that|it|yourself)|call (?:it|that|this)|use my|review|be able|have (?:to|you|another|it)|"
    r"find|figure|assess)\b",
    re.IGNORECASE,
)
DIRECTED = re.compile(
    r"^(?:see (?:me|us)|take|start|stop|continue|increase|decrease|avoid|come back|return|follow up|call|recheck|"
    r"repeat|"
    r"prescribe|refer|order|schedule|monitor|discontinue|resume|restart|refill|elevate|ice|rest|wear|limit|keep|"
    r"let me know|"
    r"give me a call|go to|drink|hold|apply|finish|use|switch|add|bring|contact|check)\b",
    re.IGNORECASE,
)
DOSED = re.compile(
    r"\b(?:as needed|under the tongue|by mouth|at bedtime|with food|once|twice|3 times|every \w+ hours?|daily|"
    r"a day|per day)\b",
    re.IGNORECASE,
)
COMING = re.compile(
    r"\b(?:follow up|come back|return|see (?:me|us|you)|call|911|emergency|symptoms?|refer\w*|specialist|walk\w*|"
    r"fluids?|"
    r"rest|water|salt|sugar|foods?)\b",
    re.IGNORECASE,
)
DOSES = frozenset({"mg", "mcg", "g", "mL", "units", "tablet", "capsule", "puff", "drop", "spray"})
REWRITTEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), written)
    for pattern, written in (
        (r"^(?:go ahead and|try and|try to|just|also|please)\s+", ""),
        (r"^(?:come (?:back )?(?:and |to )?)?see (?:me|us|you)(?: back)?(?: again)?\b", "follow up"),
        (r"^follow up with (?:me|us)\b", "follow up"),
        (r"^(?:put|get) you (?:back )?on\b", "start"),
        (r"^(?:keep|leave|have) you on\b", "continue"),
        (r"^(start|continue) you (?:back )?on\b", r"\1"),
        (r"^continue on\b", "continue"),
        (r"^on\b", "be on"),
        (r"^(refer|switch|wean|take|set|treat) you\b", r"\1 patient"),
        (r"^(give|prescribe|send|get|order|schedule) you (?!up\b|in\b|out\b|off\b|started\b|to\b|back\b)", r"\1 "),
        (r"^(order|prescribe|get|write|schedule|send|give) (.*?) for you\b", r"\1 \2"),
        (r"\b(?:give (?:me|us|the office) a call(?: back)?|call (?:me|us)(?: back)?)\b", "call"),
        (r"\blet (?:me|us) know\b", "report"),
        (r"\bsee (?:me|us)\b", "follow up"),
        (r"\band please\b", "and"),
    )
)
GERUND_BASES = {
    "stopp": "stop",
    "putt": "put",
    "gett": "get",
    "referr": "refer",
    "giv": "give",
    "prescrib": "prescribe",
    "continu": "continue",
    "increas": "increase",
    "decreas": "decrease",
    "tak": "take",
    "mak": "make",
    "us": "use",
    "schedul": "schedule",
    "arrang": "arrange",
    "chang": "change",
    "reduc": "reduce",
}
