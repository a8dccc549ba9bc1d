"""The pages themselves: what the content security policy forbids is not in them, and nothing is left unescaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.requests import Request

from connector.records import (
    ConsentAnswer,
    Doubt,
    Doubts,
    DoubtsAnswer,
    PersonAsked,
    Refusal,
    Section,
    SectionState,
    SoundGone,
)
from connector.visit.doubting import Question
from connector.visit.states import State
from connector.web.pages import Pages
from connector.web.sound_view import SoundFacts
from connector.web.views import build_visit_view
from connector.web.visit_facts import VisitFacts
from tests.unit.web.samples import consent, context, copy, erasure, facts, filing, recording, stamp, transcript

STATIC = Path(str(files("connector"))) / "web" / "static"
HOSTILE = "<img src=x onerror=alert(1)> \"quoted\" & 'single'"
PAGES = Pages("9.9.9")
FLAG = {"attention": "ehr-unavailable", "attention_text": "No answer.", "attention_action": "wait"}

HOSTILE_DOUBTS = Doubts("x1", (Doubt("name", HOSTILE, ("t1",)), Doubt("one-speaker", "One voice.")), stamp())
ANSWER = DoubtsAnswer("x1", "this-visit", ("name",), HOSTILE, stamp())
REFUSED = Refusal("Too few words.", transcript(), True, stamp())

CASES: dict[str, VisitFacts] = {state.value: facts(state.value) for state in State} | {
    "consent given": facts("PRIMED", consent=consent()),
    "consent declined": facts("PRIMED", consent=consent(ConsentAnswer.DECLINED)),
    "nothing said": facts("PRIMED", consent=consent(), attention="nothing-said", attention_action="capture-again"),
    "draft unusable": facts("TRANSCRIBED", attention="draft-unusable", attention_action="redraft"),
    "a question": facts("TRANSCRIBED", sound=SoundFacts(question=Question(HOSTILE_DOUBTS, None))),
    "a question without sound": facts(
        "TRANSCRIBED",
        recording=None,
        sound=SoundFacts(SoundGone("transcribed", stamp()), question=Question(HOSTILE_DOUBTS, None)),
    ),
    "confirmed": facts("DRAFTED", sound=SoundFacts(question=Question(HOSTILE_DOUBTS, ANSWER))),
    "little speech": facts("DRAFTED", transcript=replace(transcript(), little_speech=True)),
    "kept": facts("PRIMED", consent=consent(), recording=recording(), sound=SoundFacts(refusal=REFUSED)),
    "kept beside another": facts(
        "CAPTURING", consent=consent(), recording=recording(), sound=SoundFacts(refusal=REFUSED)
    ),
    "an earlier one": facts("DRAFTED", sound=SoundFacts(earlier=(recording(),))),
    "sound destroyed": facts("FILED", recording=None, sound=SoundFacts(SoundGone("filed", stamp()), waiting=1)),
    "EHR down": facts("SIGNED", **FLAG),
    "relaunch": facts("SIGNED", attention="relaunch-needed", attention_action="relaunch"),
    "help": facts("CAPTURED", attention="misconfigured", attention_action="ask-for-help"),
    "typed": facts("DRAFTED", transcript=transcript("typed"), recording=None),
    "playback": facts("DRAFTED", transcript=transcript("playback")),
    "copies left": facts("FILED", erasure=erasure(copy("upload", "held"))),
    "stored differently": facts("FILED", filing=filing("different")),
    "patient unread": facts("PRIMED", context=replace(context(), patient=Section(SectionState.FAILED))),
}


class Page(HTMLParser):
    """The elements of a page, with what is needed to judge them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps every element with its attributes."""
        self.elements.append((tag, dict(attrs)))

    def values(self, attribute: str) -> list[str]:
        """All values of one attribute."""
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]


def render(given: VisitFacts) -> str:
    """The visit's page as it is sent."""
    answer = PAGES.render(Request({"type": "http"}), "visit.html", {"view": build_visit_view(given)})
    return bytes(answer.body).decode()


def problem(**given: object) -> str:
    """An error's page as it is sent."""
    shown = {"title": "Not found", "detail": "No.", "support_code": "ab12", "slug": "not-found", "status": 404} | given
    return bytes(
        PAGES.render(Request({"type": "http"}), "problem.html", {"problem": shown, "banner": None}).body
    ).decode()


@pytest.mark.parametrize("name", CASES)
def test_a_page_holds_nothing_its_policy_forbids(name: str) -> None:
    page = Page(render(CASES[name]))
    for tag, attributes in page.elements:
        assert not [attribute for attribute in attributes if attribute.startswith("on") or attribute == "style"]
        assert tag != "style"
        assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
    for attribute in ("src", "href", "action"):
        assert not [value for value in page.values(attribute) if re.match(r"[a-z]+:|//", value)]


@pytest.mark.parametrize("name", CASES)
def test_the_parts_of_a_page_refer_to_each_other(name: str) -> None:
    page = Page(render(CASES[name]))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    wanted = [value[1:] for value in page.values("href") if value.startswith("#")]
    for attribute in ("for", "aria-labelledby", "aria-describedby"):
        wanted += [word for value in page.values(attribute) for word in value.split()]
    assert set(wanted) <= set(ids)


@pytest.mark.parametrize("name", CASES)
def test_everything_a_page_loads_is_in_the_package(name: str) -> None:
    page = Page(render(CASES[name]))
    addresses = {value for attribute in ("src", "href") for value in page.values(attribute) if "/static/" in value}
    icons = re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8"))
    assert addresses
    for address in addresses:
        path, _, part = address.removeprefix("/static/").partition("#")
        assert (STATIC / path).is_file()
        assert not part or part in icons


@pytest.mark.parametrize("name", CASES)
def test_a_page_has_one_first_heading_a_title_without_the_patient_and_its_token(name: str) -> None:
    html = render(CASES[name])
    page = Page(html)
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert "Waters" not in html.split("</title>", 1)[0]
    assert re.search(r'name="csrf"[^>]*?(?:value|content)="token"', html)
    forms = [attributes for tag, attributes in page.elements if tag == "form"]
    assert html.count('type="hidden" name="csrf" value="token"') == len(forms)
    assert all((form.get("action") or "").startswith("/v/launch-1/") for form in forms)


def voices(html: str) -> dict[str, str]:
    """The part of the consent card of each person, by their answer."""
    parts = html.split('<li class="answer answer--')[1:]
    return {part.split('"', 1)[0]: part.split("</li>", 1)[0] for part in parts}


def test_who_was_not_asked_looks_like_no_refusal_and_the_text_to_read_out_stands_beside_agrees() -> None:
    asked = consent()
    given = (
        replace(asked, answer=ConsentAnswer.PRESENT, person=PersonAsked("p1", "partner", "Sam")),
        replace(asked, answer=ConsentAnswer.DECLINED, person=PersonAsked("p2", "student", "Kim")),
        asked,
    )
    said = voices(render(replace(facts("PRIMED"), consents=given)))
    assert "#unasked" in said["present"] and "#cross" not in said["present"]
    assert "#cross" in said["declined"] and "#done" in said["given"]
    for answer in ("present", "declined"):
        assert "May I record?" in said[answer] and ">Agrees</button>" in said[answer]
    assert "May I record?" not in said["given"]


def test_what_was_typed_is_called_so_and_shows_no_sound() -> None:
    typed, spoken = render(CASES["typed"]), render(CASES["DRAFTED"])
    assert "What was typed</h2>" in typed and "What was said" not in typed
    assert "icons.svg#sound" not in typed and "in the recording" not in typed
    assert "What was said</h2>" in spoken and "icons.svg#sound" in spoken


def test_text_of_the_chart_the_visit_and_the_note_is_escaped() -> None:
    given = facts("DRAFTED")
    assert given.context is not None and given.transcript is not None and given.note is not None
    person = replace(given.context.patient.items[0], name=HOSTILE)
    turn = replace(given.transcript.turns[0], text=HOSTILE, role=HOSTILE)
    draft = given.note.draft
    worded = replace(draft.sections[0].sentences[0], text=HOSTILE)
    html = render(
        replace(
            given,
            context=replace(given.context, patient=Section(SectionState.OK, (person,))),
            transcript=replace(given.transcript, turns=(turn,), warnings=(HOSTILE,)),
            note=replace(
                given.note,
                text=HOSTILE,
                draft=replace(draft, sections=(replace(draft.sections[0], sentences=(worded,)),)),
            ),
        )
    )
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 5
    assert "<img src=x" not in html
    assert not [1 for _, attributes in Page(html).elements if "onerror" in attributes]


def test_the_shown_text_is_the_signed_text_to_the_letter() -> None:
    given = facts("DRAFTED")
    assert given.note is not None
    text = "Progress note\n\n  Two  blanks, a tab\tand 5 < 6 & more\n"
    html = render(replace(given, note=replace(given.note, text=text)))
    shown = re.search(r"data-rendition>(.*?)</pre>", html, re.DOTALL)
    assert shown is not None
    assert shown.group(1).replace("&lt;", "<").replace("&amp;", "&") == text


def test_links_of_one_check_to_several_sentences_have_names_of_their_own() -> None:
    given = facts("DRAFTED")
    assert given.note is not None
    found = given.note.findings
    again = replace(found.items[1], sentence_id="s5")
    note = replace(given.note, findings=replace(found, items=(*found.items, again)))
    html = render(replace(given, note=note))
    assert re.findall(r"data-jump=\"(\w+)\">([^<]*)<", html) == [
        ("s2", "Subjective (1 of 2)"),
        ("s5", "Subjective (2 of 2)"),
        ("s3", "Subjective"),
    ]


def test_a_declined_recording_leaves_no_way_to_bring_one_in() -> None:
    html = render(CASES["consent declined"])
    assert "data-upload-file" not in html
    assert 'name="text"' in html
    assert "data-upload-file" in render(CASES["consent given"])


def test_a_page_without_scripts_still_follows_what_happens() -> None:
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert refresh in render(CASES["CAPTURED"])
    assert refresh not in render(CASES["DRAFTED"])


def test_a_flag_is_shown_with_its_button() -> None:
    html = render(CASES["EHR down"])
    assert "No answer." in html and "/v/launch-1/retry" in html
    assert "/v/launch-1/redraft" in render(CASES["draft unusable"])


def test_a_problem_says_what_to_do_and_gives_the_support_code() -> None:
    html = problem(slug="launch-refused", support_code="9f3a1c22")
    assert "9f3a1c22" in html and "open the scribe from the patient" in html
    assert "Try again" in problem(slug="never-heard-of")
    assert "<script" not in problem(detail="<script>alert(1)</script>")
