"""What is signed is what was shown: edits, stale pages, double clicks."""

from concurrent.futures import ThreadPoolExecutor

from connector_sandbox.clinician import OpenVisit

from tests.fixtures.peers import ONE_OF_EACH, Chart, text_of
from tests.fixtures.visits import JSON, Clinic, note_texts, problem_of


def sections_of(note: dict) -> dict:
    return {
        part["key"]: [{"id": one["id"], "text": one["text"]} for one in part["sentences"]] for part in note["sections"]
    }


def sign_as(visit: OpenVisit, note: dict, **changes: object) -> object:
    body = {"revision": note["revision"], "shown_sha256": note["sha256"], "attest": "yes", **changes}
    return visit.post("/sign", json=body)


def test_an_edit_is_a_new_revision_and_what_is_filed_is_the_edited_text(clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    before = visit.note()
    sections = sections_of(before)
    key = next(key for key, sentences in sections.items() if sentences)
    sections[key][0]["text"] = "Reworded by the clinician – with a dash."
    sections["plan"].append({"id": None, "text": "Written instructions given."})
    answer = visit.post("/note", json={"revision": before["revision"], "sections": sections})
    assert answer.status_code == 200, answer.text
    after = visit.note()
    assert after == answer.json()
    assert after["revision"] == before["revision"] + 1
    assert after["sha256"] != before["sha256"]
    assert {"Reworded by the clinician – with a dash.", "Written instructions given."} <= set(note_texts(after))
    shown = visit.sign()
    visit.await_state("FILED")
    (document,) = chart.notes_of(patient)["DocumentReference"]
    assert text_of(document) == shown["text"] == after["text"]
    assert visit.filing()["signed_sha256"] == after["sha256"]


def test_a_reworded_sentence_keeps_what_it_rests_on_and_a_removed_one_is_gone(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.typed(chart.admit())
    before = visit.note()
    found = {one["id"]: one for part in before["sections"] for one in part["sentences"]}
    sections = sections_of(before)
    key = next(key for key, sentences in sections.items() if sentences)
    reworded = sections[key][0]["id"]
    sections[key][0]["text"] = "Said in other words."
    visit.post("/note", json={"revision": before["revision"], "sections": sections})
    middle = visit.note()
    after = {one["id"]: one for part in middle["sections"] for one in part["sentences"]}
    assert after[reworded]["turn_ids"] == found[reworded]["turn_ids"]
    assert after[reworded]["origin"] == "edited"
    sections[key] = sections[key][1:]
    visit.post("/note", json={"revision": middle["revision"], "sections": sections})
    assert "Said in other words." not in note_texts(visit.note())


def test_a_stale_edit_is_refused_and_neither_edit_is_lost(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.typed(chart.admit())
    stale = visit.note()
    visit.add_sentence("plan", "Saved in the first tab.")
    sections = sections_of(stale)
    sections["plan"].append({"id": None, "text": "Typed in the second tab."})
    late = visit.post("/note", json={"revision": stale["revision"], "sections": sections})
    assert "reload" in problem_of(late, status=409, slug="conflict")
    current = visit.note()
    assert "Saved in the first tab." in note_texts(current)
    assert visit.status()["state"] == "DRAFTED"
    sections = sections_of(current)
    sections["plan"].append({"id": None, "text": "Typed in the second tab."})
    assert visit.post("/note", json={"revision": current["revision"], "sections": sections}).status_code == 200
    assert {"Saved in the first tab.", "Typed in the second tab."} <= set(note_texts(visit.note()))


def test_a_signature_under_a_page_that_is_no_longer_current_is_refused(clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    stale = visit.note()
    visit.add_sentence("plan", "Changed after it was shown.")
    assert "read it again" in problem_of(sign_as(visit, stale), status=409, slug="conflict")
    current = visit.note()
    mixed = sign_as(visit, current, shown_sha256=stale["sha256"])
    assert "read it again" in problem_of(mixed, status=409, slug="signature-blocked")
    assert visit.status()["state"] == "DRAFTED"
    assert "Changed after it was shown." in note_texts(visit.note())
    assert chart.counts(patient)["DocumentReference"] == 0


def test_nothing_is_signed_without_the_declaration(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.typed(chart.admit())
    answer = sign_as(visit, visit.note(), attest="")
    assert 400 <= answer.status_code < 500 and "declaration" in answer.json()["detail"]
    assert visit.status()["state"] == "DRAFTED"


def test_a_signature_given_twice_at_once_is_one_signature_and_one_note(clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    note = visit.note()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: sign_as(visit, note), range(6)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(200) == 1 and set(codes[1:]) == {409}, codes
    visit.await_state("FILED")
    assert chart.counts(patient) == ONE_OF_EACH


def test_after_the_signature_nothing_can_be_edited(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.signed(chart.admit())
    note = visit.note()
    late = visit.post("/note", json={"revision": note["revision"], "sections": {}})
    problem_of(late, status=409, slug="conflict")
    again = sign_as(visit, note)
    assert again.status_code == 409
    visit.await_state("FILED")
    assert visit.filing()["read_back"] == "identical"


def test_the_page_shows_the_very_text_that_is_signed(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.typed(chart.admit())
    visit.add_sentence("plan", 'Told the patient: "<b>call</b> & come back".')
    note = visit.note()
    page = visit.client.get(visit.base).text
    assert note["sha256"] in page
    assert "<b>call</b>" not in page
    assert "&lt;b&gt;call&lt;/b&gt; &amp; come back" in page
    copied = visit.post("/copy")
    assert copied.json()["text"] == visit.client.get(f"{visit.base}/note", headers=JSON).json()["text"]
