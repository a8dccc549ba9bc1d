"""Any draft, signed, filed and read back: the words are the same at every step, on paper and on a real FHIR server."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import SignatureBlocked
from connector.records import DraftNote, Launch, NoteSection, Sentence, SignedNote, Stamp
from connector.review.edits import apply_edit
from connector.review.rendition import Heading, hash_text, render_text, render_xhtml
from connector.review.signature import Signer, sign_note
from connector.review.wording import clean_text
from connector.writeback.bundle import FilingFacts, build_transaction
from connector.writeback.outcome import Answer, Locations, classify, read_transaction_response
from connector.writeback.outgoing import find_faults
from connector.writeback.profile import WriteProfile
from connector.writeback.read_back import compare

ROOT = Path(__file__).parents[2]
PROFILE = WriteProfile.from_dict(yaml.safe_load((ROOT / "mappings" / "ehr" / "generic.yaml").read_text("utf-8")))
NOW = datetime(2026, 11, 21, 9, 30, 12, 345678, tzinfo=UTC)
STAMP = Stamp("drafting/soap@1", NOW, model="a-model")
TITLES = ("Subjective", "Objective", "Assessment", "Plan")
CODES = ("61150-9", "61149-1", "51848-0", "18776-5")
CLINICIAN = "Dr. Kai <Mann> & Söhne"

words = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        *TITLES,
        "a\n\nb",
        "<b>bold</b> & 'q' \"d\"",
        "é漢字😀",
        "\u202egnol\u202c",
        "x" * 300,
        "&amp; &#65;",
        "]]>",
        "\x00",
    ]
)


@st.composite
def drafts(draw: st.DrawFn) -> DraftNote:
    """Notes of one to four sections with any text at all in them."""
    sections = tuple(
        NoteSection(
            title.lower(),
            title,
            code,
            tuple(
                Sentence(f"{title}-{place}", text, ("t1",))
                for place, text in enumerate(draw(st.lists(words, max_size=4)))
            ),
        )
        for title, code in list(zip(TITLES, CODES, strict=True))[: draw(st.integers(1, 4))]
    )
    return DraftNote("d1", 1, "soap", "Progress note", sections, "model", STAMP)


@st.composite
def headings(draw: st.DrawFn) -> Heading:
    return Heading(
        patient_name=draw(words),
        birth_date=draw(st.none() | st.dates()),
        patient_identifier=draw(st.none() | words),
        encounter_date=draw(st.none() | st.just(date(2026, 11, 21))),
        author=CLINICIAN,
        consent=draw(words.filter(lambda text: clean_text(text) != "")),
        transcript_origin=draw(st.sampled_from(["recogniser", "playback", "typed"])),
        signed_on=date(2026, 11, 21),
        note_id="note-1",
        version=1,
    )


def sign(draft: DraftNote, heading: Heading) -> SignedNote:
    signer = Signer("Practitioner/9", "Practitioner/9", CLINICIAN)
    return sign_note(draft, heading, shown_sha256=hash_text(render_text(draft, heading)), signer=signer, now=NOW)


def make_launch(**more: Any) -> Launch:
    known: dict[str, Any] = {
        "fhir_base": "https://ehr.example.org/fhir",
        "patient": "Patient/p",
        "encounter": "Encounter/e",
        "practitioner": "Practitioner/9",
    }
    fixed = {"launch_id": "l", "visit_id": "v", "tenant": "clinic", "practitioner_name": CLINICIAN, "stamp": STAMP}
    return Launch(need_patient_banner=True, granted_scope="", **{**known, **fixed, **more})


def build(signed: SignedNote, heading: Heading, launch: Launch) -> dict[str, Any]:
    facts = FilingFacts(
        note_type_loinc="11506-3",
        note_type_display="Progress note",
        xhtml=render_xhtml(signed, heading),
        period_start=NOW - timedelta(minutes=20),
        period_end=NOW,
        device_name="SMART Scribe Connector",
        device_version="soap@1",
        model="a-model",
    )
    return build_transaction(signed, launch=launch, profile=PROFILE, facts=facts)


def has_words(draft: DraftNote) -> bool:
    return any(clean_text(sentence.text) for section in draft.sections for sentence in section.sentences)


written = drafts().filter(has_words)


@given(draft=drafts(), heading=headings())
@settings(deadline=None)
def test_text_is_normal_and_the_xhtml_says_the_same(draft: DraftNote, heading: Heading) -> None:
    text = render_text(draft, heading)
    assert text == render_text(draft, heading)
    assert text.encode("utf-8").decode("utf-8") == text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert all(line == " ".join(line.split()) for line in text.split("\n"))
    assert text.count("\n\n") == len(draft.sections) + 2
    root = ElementTree.fromstring(render_xhtml(draft, heading))
    assert [child.text for child in root] == [line for line in text.split("\n") if line]
    titles = [child.text for child in root if child.tag.endswith("}h2")]
    assert titles == [section.title for section in draft.sections]


@given(draft=drafts(), heading=headings())
@settings(deadline=None)
def test_every_word_of_the_note_is_in_the_text(draft: DraftNote, heading: Heading) -> None:
    text = render_text(draft, heading)
    for section in draft.sections:
        for sentence in section.sentences:
            assert clean_text(sentence.text) in text


@given(draft=written, heading=headings())
@settings(deadline=None)
def test_an_edit_that_changes_nothing_changes_nothing_signed(draft: DraftNote, heading: Heading) -> None:
    page = {
        section.key: [(sentence.sentence_id, sentence.text) for sentence in section.sentences]
        for section in draft.sections
    }
    edited = apply_edit(draft, sections=page, who="Practitioner/9", now=NOW)
    assert render_text(edited, heading) == render_text(draft, heading)
    assert all(sentence.origin == "model" for section in edited.sections for sentence in section.sentences)


@given(draft=written, heading=headings(), place=st.integers(0, 63), digit=st.sampled_from("0123456789abcdef"))
@settings(deadline=None)
def test_only_the_hash_of_what_was_shown_signs(draft: DraftNote, heading: Heading, place: int, digit: str) -> None:
    right = hash_text(render_text(draft, heading))
    wrong = right[:place] + digit + right[place + 1 :]
    signer = Signer("Practitioner/9", "Practitioner/9", CLINICIAN)
    if wrong == right:
        assert sign_note(draft, heading, shown_sha256=wrong, signer=signer, now=NOW).sha256 == right
    else:
        with pytest.raises(SignatureBlocked):
            sign_note(draft, heading, shown_sha256=wrong, signer=signer, now=NOW)


@given(draft=written, heading=headings())
@settings(deadline=None, max_examples=50)
def test_what_is_sent_is_fhir_and_reads_back_identical(draft: DraftNote, heading: Heading) -> None:
    signed, launch = sign(draft, heading), make_launch()
    bundle = build(signed, heading, launch)
    assert find_faults(bundle) == ()
    assert json.dumps(bundle) == json.dumps(build(signed, heading, launch))
    stored = json.loads(json.dumps(bundle["entry"][0]["resource"]))
    result = compare(signed, stored, launch=launch)
    assert (result.verdict, result.stored_sha256) == ("identical", signed.sha256)


@given(draft=written, heading=headings(), place=st.integers(0, 10_000), bit=st.integers(0, 5))
@settings(deadline=None, max_examples=50)
def test_no_changed_character_of_the_stored_text_goes_unseen(
    draft: DraftNote, heading: Heading, place: int, bit: int
) -> None:
    signed, launch = sign(draft, heading), make_launch()
    stored = copy.deepcopy(build(signed, heading, launch)["entry"][0]["resource"])
    attachment = stored["content"][0]["attachment"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    data = attachment["data"]
    spot = place % (len(data) - 4)  # the last four may hold padding, whose unused bits say nothing
    changed = letters[letters.index(data[spot]) ^ (1 << bit)]
    attachment["data"] = data[:spot] + changed + data[spot + 1 :]
    assert compare(signed, stored, launch=launch).differs == ("text",)


@pytest.fixture(scope="module")
def people(hapi_base: str) -> Launch:
    """A patient, encounter and practitioner of this test's own on the real server."""
    with httpx.Client(base_url=hapi_base, timeout=60) as server:
        patient = _create(server, {"resourceType": "Patient", "name": [{"family": "Round", "given": ["Trip"]}]})
        practitioner = _create(server, {"resourceType": "Practitioner", "name": [{"family": "Mann"}]})
        visit = {"status": "in-progress", "class": {"code": "AMB"}, "subject": {"reference": patient}}
        encounter = _create(server, {"resourceType": "Encounter", **visit})
    return make_launch(fhir_base=hapi_base, patient=patient, encounter=encounter, practitioner=practitioner)


def _create(server: httpx.Client, resource: dict[str, Any]) -> str:
    answer = server.post(f"/{resource['resourceType']}", json=resource)
    answer.raise_for_status()
    return f"{resource['resourceType']}/{answer.json()['id']}"


@given(draft=written, heading=headings())
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_real_server_keeps_every_word_and_a_replay_changes_nothing(
    people: Launch, draft: DraftNote, heading: Heading
) -> None:
    heading = replace(heading, note_id=str(uuid4()))
    signed = replace(sign(draft, heading), signer=str(people.practitioner))
    bundle = build(signed, heading, people)
    with httpx.Client(base_url=people.fhir_base, timeout=60) as server:
        first, again = (_transact(server, bundle) for _ in range(2))
        assert first == again
        document = server.get(f"/{first.document_reference}").json()
        assert compare(signed, document, launch=people).verdict == "identical"
        for place in (first.document_reference, first.composition, first.provenance):
            assert server.get(f"/{place}").json()["meta"]["versionId"] == "1"
        composition = server.get(f"/{first.composition}").json()
        sent = bundle["entry"][1]["resource"]
        assert [_texts(part) for part in composition["section"]] == [_texts(part) for part in sent["section"]]
        targets = server.get(f"/{first.provenance}").json()["target"]
        assert [target["reference"] for target in targets] == [first.document_reference, first.composition]


def _transact(server: httpx.Client, bundle: dict[str, Any]) -> Locations:
    answer = server.post("/", json=bundle)
    assert classify(answer.status_code, answer.json()).answer is Answer.DONE
    return read_transaction_response(answer.json())


def _texts(section: dict[str, Any]) -> list[str | None]:
    return [paragraph.text for paragraph in ElementTree.fromstring(section["text"]["div"])]
