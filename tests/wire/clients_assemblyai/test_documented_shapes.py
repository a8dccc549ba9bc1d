"""Our client and our reader against a second vendor, which has only what the documents of two generations show."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from connector.clients.assemblyai import AssemblyAI
from connector.errors import VendorRejected
from connector.records import Stamp, Transcript
from connector.transcript.reading import read_redacted_turns, read_transcript
from connector.transcript.seating import Seating
from tests.wire.clients_assemblyai.conftest import NOON
from tests.wire.clients_assemblyai.documented import GENERATIONS, JOB, UPLOAD, DocumentedVendor, serve

SOUND = b"a sound file" * 1000


async def sound() -> AsyncIterator[bytes]:
    for first in range(0, len(SOUND), 4096):
        yield SOUND[first : first + 4096]


@pytest.fixture(params=list(GENERATIONS))
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def documented(generation: str) -> Iterator[DocumentedVendor]:
    vendor = DocumentedVendor(GENERATIONS[generation])
    with serve(vendor):
        yield vendor


@pytest.fixture
def client(documented: DocumentedVendor, http: Any, patience: Any, held_clock: Any) -> AssemblyAI:
    return AssemblyAI(http, base_url=documented.base, api_key="k-1", patience=patience, timing=held_clock.timing())


def read(answer: dict[str, Any], *, generation: str) -> Transcript:
    sides = ("Clinician", "Patient") if generation == "by channel" else ()
    stamp = Stamp(maker="test", at=NOON)
    return read_transcript(answer, transcript_id="t", stamp=stamp, seating=Seating(sides=sides, domain="medical-v1"))


async def test_from_the_upload_to_the_stub(client, documented, generation) -> None:
    assert await client.upload(sound(), len(SOUND)) == UPLOAD
    job = await client.submit({"audio_url": UPLOAD, "speaker_labels": True})
    assert job.job_id == JOB
    assert await client.find_jobs(UPLOAD) == [JOB]
    answer = await client.wait(JOB, deadline_s=60, interval=3)
    assert read(answer, generation=generation).turns
    assert not await client.is_deleted(JOB)
    await client.delete(JOB)
    assert await client.is_deleted(JOB)
    with pytest.raises(VendorRejected):
        read(await client.fetch(JOB), generation=generation)
    upload, submit = documented.calls[:2]
    assert (upload[0], upload[1], upload[3]) == ("POST", "/v2/upload", SOUND)
    assert {headers["authorization"] for _, _, headers, _ in documented.calls} == {"k-1"}
    assert json.loads(submit[3]) == {"audio_url": UPLOAD, "speaker_labels": True}


async def test_the_words_are_read_whatever_the_generation(client, generation) -> None:
    await client.submit({"audio_url": UPLOAD})
    transcript = read(await client.wait(JOB, deadline_s=60, interval=3), generation=generation)
    assert [turn.text for turn in transcript.turns] == ["Any pain?", "No, none."]
    assert [len(turn.words) for turn in transcript.turns] == [2, 2]
    assert transcript.origin == "recogniser"
    assert transcript.language == "en_us"
    assert transcript.reported_ms == 3000
    assert all(0.9 < word.confidence < 1 for turn in transcript.turns for word in turn.words)
    starts = [word.start_ms for turn in transcript.turns for word in turn.words]
    assert starts == ([240, 480, 1520, 1680] if generation == "by channel" else [240, 500, 1500, 1720])
    assert {turn.role_from for turn in transcript.turns} == {
        {"march": "guess", "september": "vendor", "by channel": "channel"}[generation]
    }
    if generation != "march":
        assert [turn.role for turn in transcript.turns] == ["Clinician", "Patient"]


async def test_what_only_the_newer_generation_tells_is_read_where_it_is_there(client, generation) -> None:
    await client.submit({"audio_url": UPLOAD})
    answer = await client.wait(JOB, deadline_s=60, interval=3)
    transcript = read(answer, generation=generation)
    newer = generation != "march"
    assert transcript.domain_used == ("medical-v1" if newer else None)
    assert [one.entity_type for one in transcript.entities] == (
        ["medical_condition", "a_type_of_next_year"] if newer else []
    )
    assert transcript.language_confidence == (0.9954 if newer else None)
    assert ("A warning of the vendor." in transcript.warnings) is newer
    redacted = [turn.text for turn in read_redacted_turns(answer)]
    assert redacted == (["Any ####?", "No, none."] if generation == "september" else [])


async def test_a_job_nobody_knows_counts_as_deleted_in_either_wording(client) -> None:
    assert await client.is_deleted(JOB)
    await client.delete(JOB)
    with pytest.raises(VendorRejected, match="no longer has this job"):
        await client.fetch(JOB)


@pytest.mark.parametrize(
    "words",
    [
        "Download error, unable to download https://cdn.assemblyai.com/upload/f/3. Please make sure it is accessible.",
        "Transcoding failed. File does not appear to contain audio. File type is text/plain.",
        "Audio duration is too short.",
    ],
)
async def test_a_jobs_error_is_told_in_our_words(client, documented, words) -> None:
    documented.fails_with = words
    await client.submit({"audio_url": UPLOAD})
    with pytest.raises(VendorRejected) as failed:
        await client.wait(JOB, deadline_s=60, interval=3)
    assert words not in str(failed.value.detail)
