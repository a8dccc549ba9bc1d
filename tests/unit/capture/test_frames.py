"""Frames of streams without a container, and how long an Opus packet lasts."""

from __future__ import annotations

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.capture.frames import (
    ac3_frame,
    adts_frame,
    eac3_frame,
    layer2_frame,
    layer3_frame,
    name_stream,
    opus_samples,
)


@pytest.mark.parametrize(
    ("name", "frame"),
    [("mp2", layer2_frame), ("mp3", layer3_frame), ("aac", adts_frame), ("ac3", ac3_frame), ("eac3", eac3_frame)],
)
def test_every_frame_ends_where_the_next_begins(sounds, name, frame):
    data = sounds[name]
    at = 10 + (data[8] << 7 | data[9]) if data.startswith(b"ID3") else 0
    frames = 0
    while at < len(data):
        size = frame(data[at : at + 7])
        assert size
        at, frames = at + size, frames + 1
    assert at == len(data)
    assert frames > 60


@given(st.binary(max_size=64))
def test_any_bytes_give_a_length_and_a_name_or_none(data):
    assert all(frame(data) >= 0 for frame in (ac3_frame, adts_frame, eac3_frame, layer2_frame, layer3_frame))
    assert name_stream(data) in {None, "aac", "ac3", "eac3", "mp2", "mp3"}


def test_an_opus_packet_lasts_as_long_as_its_decoder_says(sounds):
    for name in ("ogg", "webm-recorder"):
        with av.open(io.BytesIO(sounds[name])) as opened:
            packets = [packet for packet in opened.demux(audio=0) if packet.size]
            told = [opus_samples(bytes(packet)) for packet in packets]
            heard = [sum(frame.samples for frame in packet.decode()) for packet in packets]
        assert told[2:-1] == heard[2:-1]
        assert set(told) == {960}


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0),
        (bytes([0 << 3]) + b"x", 480),
        (bytes([3 << 3]) + b"x", 2880),
        (bytes([16 << 3]) + b"x", 120),
        (bytes([31 << 3 | 1]) + b"xx", 1920),
        (bytes([31 << 3 | 1]) + b"x", 0),
        (bytes([31 << 3 | 2]) + b"\x01xx", 1920),
        (bytes([31 << 3 | 2]), 0),
        (bytes([31 << 3 | 3, 6]) + b"xxxxxx", 5760),
        (bytes([31 << 3 | 3, 7]) + b"xxxxxxx", 0),
        (bytes([31 << 3 | 3, 0]), 0),
        (bytes([31 << 3 | 3]), 0),
    ],
)
def test_opus_packets_that_no_encoder_writes_last_no_time(packet, samples):
    assert opus_samples(packet) == samples


@given(st.binary(max_size=40))
def test_no_opus_packet_lasts_longer_than_120_ms(data):
    assert 0 <= opus_samples(data) <= 5760
