"""A recording on its way in: nothing acknowledged is lost, nothing is taken twice, nothing is taken for another."""

import hashlib

from tests.builders import recording_bytes, split
from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.visits import JSON, Clinic, Upload, problem_of


def begun(clinic: Clinic, chart: Chart) -> Upload:
    visit = clinic.open(chart.admit())
    visit.consent()
    return Upload.begin(visit)


def test_an_upload_that_broke_off_goes_on_where_it_stopped(clinic: Clinic, chart: Chart, vendor: SandboxVendor) -> None:
    sound = recording_bytes("billie")
    parts = split(sound, 5)
    first = begun(clinic, chart)
    for seq in (0, 1, 3):
        assert first.put(seq, parts[seq]).status_code == 204
    early = first.close(sound, 5)
    assert "2" in problem_of(early, status=400, slug="chunk-refused")
    # A reloaded page knows the visit only: it asks what is safe and for a token of its own.
    visit = first.visit
    listed = visit.client.get(f"{visit.base}/recordings", headers=JSON).json()["recordings"]
    assert [one["recording_id"] for one in listed] == [first.recording_id]
    assert first.safe() == {seq: hashlib.sha256(parts[seq]).hexdigest() for seq in (0, 1, 3)}
    token = visit.post(f"/recordings/{first.recording_id}/token").json()["upload_token"]
    again = Upload(visit, first.recording_id, token)
    problem_of(first.put(2, parts[2]), status=403, slug="not-allowed")
    for seq in (2, 4):
        assert again.put(seq, parts[seq]).status_code == 204
    assert again.close(sound, 5).status_code == 200
    visit.await_state("DRAFTED")
    assert vendor.uploads()[0]["sha256"] == hashlib.sha256(sound).hexdigest()
    played = b""
    while len(played) < len(sound):
        answer = visit.client.get(f"{visit.base}/audio", headers={"Range": f"bytes={len(played)}-"})
        assert answer.status_code == 206
        played += answer.content
    assert played == sound


def test_the_same_chunk_twice_does_no_harm_and_other_bytes_are_refused(clinic: Clinic, chart: Chart) -> None:
    sound = recording_bytes("billie")
    upload = begun(clinic, chart)
    for _ in range(3):
        assert upload.put(0, sound).status_code == 204
    problem_of(upload.put(0, sound[:-1]), status=409, slug="conflict")
    assert upload.safe() == {0: hashlib.sha256(sound).hexdigest()}
    assert upload.close(sound, 1).status_code == 200
    upload.visit.await_state("DRAFTED")


def test_a_chunk_damaged_on_its_way_is_refused_and_can_be_sent_again(clinic: Clinic, chart: Chart) -> None:
    upload = begun(clinic, chart)
    wrong = "sha-256=:" + "A" * 43 + "=:"
    assert "again" in problem_of(upload.put(0, b"sound", digest=wrong), status=400, slug="chunk-refused")
    assert upload.safe() == {}
    assert upload.put(0, b"sound").status_code == 204


def test_what_arrived_must_be_what_was_sent(clinic: Clinic, chart: Chart) -> None:
    sound = recording_bytes("billie")
    upload = begun(clinic, chart)
    upload.put(0, sound)
    other = hashlib.sha256(b"other").hexdigest()
    problem_of(upload.close(sound, 1, sha256=other), status=422, slug="audio-unusable")
    assert upload.visit.status()["state"] == "PRIMED"


def test_the_token_of_one_recording_opens_no_other(clinic: Clinic, chart: Chart) -> None:
    mine, theirs = begun(clinic, chart), begun(clinic, chart)
    problem_of(mine.put(0, b"sound", token=theirs.token), status=403, slug="not-allowed")
    problem_of(mine.put(0, b"sound", token="guess"), status=403, slug="not-allowed")
    stranger = Upload(mine.visit, "0" * 32, mine.token)
    problem_of(stranger.put(0, b"sound"), status=403, slug="not-allowed")
    crossed = theirs.visit.post(f"/recordings/{mine.recording_id}/close", json={"chunks": 0})
    assert crossed.status_code in (403, 404)
    assert mine.safe() == theirs.safe() == {}


def test_a_recording_that_was_closed_takes_nothing_more(clinic: Clinic, chart: Chart) -> None:
    sound = recording_bytes("billie")
    upload = begun(clinic, chart)
    upload.put(0, sound)
    assert upload.close(sound, 1).status_code == 200
    problem_of(upload.put(1, b"late"), status=409, slug="conflict")
    problem_of(upload.close(sound, 1), status=409, slug="conflict")
    problem_of(upload.visit.post("/recordings"), status=409, slug="conflict")
    upload.visit.await_state("DRAFTED")
