"""A transcript put right by the clinician: corrected, drafted again, signed, filed, and closed to corrections then."""

from connector_sandbox.clinician import OpenVisit

from tests.fixtures.peers import Chart, text_of
from tests.fixtures.visits import JSON, Clinic, note_texts, problem_of
from tests.fixtures.waiting import await_true


def transcript_of(visit: OpenVisit) -> dict:
    return visit.client.get(f"{visit.base}/transcript", headers=JSON).json()


def correct(visit: OpenVisit, **body: object) -> dict:
    shown = transcript_of(visit)["transcript_id"]
    answer = visit.post("/transcript/edits", json={"shown": shown, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_corrected_transcript_is_drafted_again_signed_and_filed(clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit("billie")
    visit = clinic.drafted(patient)
    before, said = visit.note(), transcript_of(visit)
    turn = next(one for one in reversed(said["turns"]) if one["role"].lower() in ("clinician", "doctor"))
    correct(visit, action="correct", turn=turn["id"], text="Please start metoprolol 25 mg twice a day.")
    last = correct(visit, action="rename", speaker=turn["speaker"], role="Clinician")
    assert (last["version"], [one["action"] for one in last["edits"]]) == (3, ["correct", "rename"])
    assert visit.note()["revision"] == before["revision"]

    asked = visit.post("/redraft", json={"revision": before["revision"]})
    assert asked.status_code == 200, asked.text
    await_true(lambda: visit.note()["revision"] == before["revision"] + 1, seconds=60, what="another draft")
    after = visit.note()
    found = [one for part in after["sections"] for one in part["sentences"] if "metoprolol" in one["text"].lower()]
    assert found and all(one["turn_ids"] == [turn["id"]] for one in found), note_texts(after)
    assert not any("metoprolol 25" in text.lower() for text in note_texts(before))

    visit.sign()
    visit.await_state("FILED")
    (document,) = chart.notes_of(patient)["DocumentReference"]
    assert "metoprolol" in text_of(document).lower()
    late = visit.post(
        "/transcript/edits",
        json={"shown": last["transcript_id"], "action": "rename", "speaker": turn["speaker"], "role": "Patient"},
    )
    assert "signed" in problem_of(late, status=409, slug="conflict")
