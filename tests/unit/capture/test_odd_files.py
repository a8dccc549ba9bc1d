"""B10: empty, cut, mixed, mistaken and mutated files end in a sound or in a refusal, and in no process left over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.capture.joining import join_sounds
from connector.capture.probe import Sound
from connector.capture.process import Source
from connector.errors import AudioUnusable
from tests.unit.capture.conftest import KINDS

TEXT = b"This is the visit, typed. Blood pressure 128 over 82.\n" * 400


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0", id="one-byte"),
        pytest.param(bytes(1_000_000), id="zeros"),
        pytest.param(b"\xff" * 100_000, id="ones"),
        pytest.param(TEXT, id="text-named-mp3"),
        pytest.param(b"\xef\xbb\xbf" + TEXT, id="text-with-a-mark"),
        pytest.param("Blutdruck 128 zu 82, Übelkeit".encode("utf-16"), id="text-of-two-bytes"),
        pytest.param(b"<!doctype html><audio src=x></audio>" * 100, id="page"),
        pytest.param(b"{\\rtf1\\ansi The visit}" * 100, id="rich-text"),
        pytest.param(b"%PDF-1.7\n" + TEXT, id="pdf"),
        pytest.param(b"PK\x03\x04" + bytes(5000), id="archive"),
        pytest.param(b"\x1f\x8b\x08" + bytes(5000), id="compressed"),
        pytest.param(b"MZ" + bytes(5000), id="program"),
        pytest.param(b"\x7fELF" + bytes(5000), id="other-program"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(5000), id="picture"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(5000), id="photograph"),
        pytest.param(b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60" + bytes(500), id="notes"),
        pytest.param(b"RIFF\x10\x00\x00\x00AVI LIST" + bytes(500), id="film"),
        pytest.param(b"ID3\x04\x00\x00\x00\x00\x00\x05xxxxx" + TEXT, id="text-behind-a-tag"),
        pytest.param(b"\x00\x00\x00\x18ftypheic" + bytes(500), id="photograph-in-a-film's-box"),
    ],
)
async def test_b10_what_is_no_sound_is_refused_in_words(probe, data):
    with pytest.raises(AudioUnusable) as caught:
        await probe(data)
    assert (caught.value.status, caught.value.slug) == (422, "audio-unusable")
    assert caught.value.detail.endswith((".", "file."))


@pytest.mark.parametrize("length", [1, 3, 8, 12, 40, 64])
async def test_b10_beginnings_alone_are_refused(probe, sounds, length):
    for name in ("wav", "mp3", "m4a", "ogg", "webm", "flac", "aac", "ts", "amr"):
        with pytest.raises(AudioUnusable):
            await probe(sounds[name][:length])


@pytest.mark.parametrize("kept", [0.999, 0.9, 0.5])
async def test_b10_a_sound_cut_anywhere_is_a_shorter_sound_or_refused(probe, sounds, kept):
    for name, data in sounds.items():
        try:
            assert (await probe(data[: int(len(data) * kept)])).duration_ms <= 5100, name
        except AudioUnusable:
            # Their index stands at the end, or their one block holds seconds.
            assert name in ("m4a", "mp4", "mov", "mxf", "wv"), name


async def test_b10_a_file_that_is_two_things_is_the_sound_or_nothing(probe, sounds):
    """What a viewer of the other kind would make of it is never looked at."""
    archive = b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(18)
    page = b"<html><script>alert(1)</script></html>"
    for other in (archive, page, b"%PDF-1.7\n" + TEXT, b"#EXTM3U\nfile:///etc/passwd\n"):
        for name in ("wav", "ogg", "flac", "mp3", "m4a", "webm"):
            sound = await probe(sounds[name] + other)
            assert (sound.container, round(sound.duration_ms, -3)) == (name, 5000)
            try:
                assert (await probe(other + sounds[name])).container in KINDS
            except AudioUnusable:
                continue


async def test_b10_two_sounds_one_after_the_other_are_read_as_the_first_kind(probe, sounds):
    for first in ("wav", "ogg", "flac", "webm", "aac"):
        for second in ("mp3", "m4a", "ogg"):
            try:
                assert (await probe(sounds[first] + sounds[second])).container == first
            except AudioUnusable:
                continue


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("byte"), st.floats(0, 1), st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("early"), st.floats(0, 0.02), st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("cut"), st.floats(0, 1), st.just(b"")),
        st.tuples(st.just("lose"), st.floats(0, 1), st.just(b"")),
        st.tuples(st.just("again"), st.floats(0, 1), st.just(b"")),
        st.tuples(st.just("grow"), st.floats(0, 1), st.binary(max_size=40)),
    ),
    min_size=1,
    max_size=8,
)


def mutate(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    """Overwrites, cuts, leaves out, doubles and inserts, each at a fraction of the file."""
    for kind, place, new in edits:
        at = int(place * len(data))
        if kind in ("byte", "early"):
            data = data[:at] + new + data[at + len(new) :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "lose":
            data = data[:at] + data[at + 100 :]
        elif kind == "again":
            data = data[:at] + data[max(0, at - 300) :]
        else:
            data = data[:at] + new + data[at:]
    return data


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(KINDS)), edits=EDITS)
async def test_b10_mutated_files_end_in_a_sound_or_a_refusal(probe, sounds, name, edits):
    try:
        sound = await probe(mutate(sounds[name], edits))
    except AudioUnusable:
        return
    assert isinstance(sound, Sound)
    assert 160 <= sound.duration_ms <= 36_000_000
    assert 1 <= sound.channels <= 8
    assert 4000 <= sound.sample_rate <= 192_000


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=2), edits=EDITS)
async def test_b10_mutated_files_are_joined_or_refused(sounds, children, names, edits):
    """One whole recording among them is never lost for the damaged one's sake, unless the reader itself dies."""
    files: list[tuple[bytes, str]] = [(mutate(sounds[name], edits), name.removesuffix("-recorder")) for name in names]
    files.append((sounds["webm-recorder"], "webm"))
    before = children()

    async def write(piece: bytes) -> None:
        pass

    joined = await join_sounds([_source(*one) for one in files], write=write, timeout_s=30)
    assert joined.duration_ms - joined.offsets_ms[-1] == pytest.approx(5000, abs=60)
    assert children() <= before


def _source(data: bytes, container: str) -> Any:
    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return Source(read, len(data), container)
