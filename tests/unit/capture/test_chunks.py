"""The rules of chunked upload."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.capture.chunks import (
    LARGEST_CHUNK,
    LARGEST_RECORDING,
    MOST_CHUNKS,
    check_chunk,
    check_complete,
    check_digest,
    is_repeat,
)
from connector.errors import AudioUnusable, ChunkRefused, Conflict

DATA = b"some sound"
HEX = hashlib.sha256(DATA).hexdigest()
B64 = base64.b64encode(hashlib.sha256(DATA).digest()).decode()


@pytest.mark.parametrize(
    "header",
    [
        f"sha-256=:{B64}:",
        f"  sha-256=:{B64}:  ".strip(),
        f"sha-512=:AAAA:, sha-256=:{B64}:",
        f"sha-256=:{B64}:,sha-512=:AAAA:",
        f"sha-256=:{B64}:;extra=1",
        f"sha-256=:AAAA:, sha-256=:{B64}:",
    ],
)
def test_the_announced_digest_is_found_and_returned_in_hex(header):
    assert check_digest(header, DATA) == HEX


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"sha-512=:{B64}:",
        f"sha-256={B64}",
        f"SHA-256=:{B64}:",
        f"x-sha-256=:{B64}:",
        f"sha-256=:{B64[:-4]}:",
        f"sha-256=:{B64[:-1]}:",
        "sha-256=:####:",
        f"sha-256=:{base64.b64encode(bytes(32)).decode()}:",
        f"sha-256=:{HEX}:",
        f"sha-256=:{B64}: garbage",
    ],
)
def test_a_missing_or_other_digest_is_refused(header):
    with pytest.raises(ChunkRefused) as caught:
        check_digest(header, DATA)
    assert caught.value.status == 400


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_only_the_announced_bytes_pass(announced, arrived):
    header = f"sha-256=:{base64.b64encode(hashlib.sha256(announced).digest()).decode()}:"
    if announced == arrived:
        assert check_digest(header, arrived) == hashlib.sha256(arrived).hexdigest()
    else:
        with pytest.raises(ChunkRefused, match="damaged"):
            check_digest(header, arrived)


@given(st.text(max_size=80))
def test_no_header_breaks_the_check(header):
    with pytest.raises(ChunkRefused):
        check_digest(header, DATA)


@pytest.mark.parametrize(
    ("seq", "size", "stored"),
    [(0, 1, 0), (MOST_CHUNKS - 1, LARGEST_CHUNK, 0), (1, LARGEST_CHUNK, LARGEST_RECORDING - LARGEST_CHUNK)],
)
def test_chunks_up_to_the_limits_pass(seq, size, stored):
    check_chunk(seq, size, stored=stored)


@pytest.mark.parametrize(("seq", "size"), [(-1, 1), (MOST_CHUNKS, 1), (0, 0), (0, LARGEST_CHUNK + 1)])
def test_impossible_chunks_are_refused(seq, size):
    with pytest.raises(ChunkRefused):
        check_chunk(seq, size, stored=0)


def test_a_recording_beyond_five_gigabytes_is_refused():
    assert LARGEST_RECORDING == 5_000_000_000
    with pytest.raises(AudioUnusable, match="larger than 5 GB"):
        check_chunk(600, 1, stored=LARGEST_RECORDING)


def test_the_same_chunk_again_is_a_repeat_and_other_bytes_a_conflict():
    assert is_repeat(None, HEX) is False
    assert is_repeat(HEX.upper(), HEX) is True
    with pytest.raises(Conflict):
        is_repeat("0" * 64, HEX)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_a_recording_closes_only_without_gaps(seqs):
    missing = sorted(set(range(max(seqs) + 1)) - seqs)
    if not missing:
        assert check_complete(seqs) == len(seqs)
        return
    with pytest.raises(ChunkRefused) as caught:
        check_complete(iter(sorted(seqs)))
    told = caught.value.detail.rpartition(": ")[2].removesuffix(" and others.").removesuffix(".")
    assert [int(number) for number in told.split(", ")] == missing[:10]


def test_nothing_sent_is_an_empty_recording():
    with pytest.raises(AudioUnusable, match="empty"):
        check_complete([])
