"""Streams without a container are told by their frames: two headers at the distance the first one states. In: bytes.

Out: the stream's name or None, and lengths. Never decodes a frame.
"""

from __future__ import annotations

from collections.abc import Callable

_MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LOW_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LAYER3_KBPS = {3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320), 2: _LOW_KBPS, 0: _LOW_KBPS}
_LAYER2_KBPS = {3: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384), 2: _LOW_KBPS, 0: _LOW_KBPS}
_AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_AC3_RATES = (48000, 44100, 32000)
# Frame lengths in samples at 48 kHz by the configuration number (RFC 6716, section 3.1, table 2).
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
_OPUS_FRAMES = _SILK * 3 + _HYBRID * 2 + _CELT * 4
_LONGEST_OPUS = 5760
_TS_PACKETS = 5


def name_stream(head: bytes) -> str | None:
    """Return mp3, mp2, aac, ac3 or eac3 for a stream of frames, behind an ID3 tag or zeros or none; None otherwise."""
    start = tag_length(head)
    if start and start + 4 > len(head):
        return "mp3"
    start += _zeros(head, start)
    for name, frame in _STREAMS:
        size = frame(head[start : start + 7])
        if size and frame(head[start + size : start + size + 7]):
            return name
    return None


def is_transport_stream(head: bytes) -> bool:
    """Say whether sync bytes stand at the distances of an MPEG transport stream, with or without times (M2TS)."""
    return any(
        len(head) > first + distance * (_TS_PACKETS - 1)
        and all(head[first + distance * number] == 0x47 for number in range(_TS_PACKETS))
        for first, distance in ((0, 188), (4, 192))
    )


def tag_length(head: bytes) -> int:
    """Return the length in bytes of the ID3v2 tag in front (its size is four times seven bits), 0 without one."""
    if not head.startswith(b"ID3") or len(head) < 10 or max(head[6:10]) >= 0x80:
        return 0
    return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])


def layer3_frame(header: bytes) -> int:
    """Return the length in bytes of the MPEG layer III frame under a header, 0 when it is none."""
    return _mpeg_frame(header, layer=0x02)


def layer2_frame(header: bytes) -> int:
    """Return the length in bytes of the MPEG layer II frame under a header, 0 when it is none."""
    return _mpeg_frame(header, layer=0x04)


def adts_frame(header: bytes) -> int:
    """Return the length in bytes of the ADTS frame under a seven-byte header, 0 when it is none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0


def ac3_frame(header: bytes) -> int:
    """Return the length in bytes of the AC-3 frame under a six-byte header, 0 when it is none (ATSC A/52, 5.4.1)."""
    if len(header) < 6 or header[:2] != b"\x0b\x77" or header[5] >> 3 > 10:
        return 0
    rate, code = header[4] >> 6, header[4] & 63
    if rate == 3 or code > 37:
        return 0
    words = _AC3_KBPS[code >> 1] * 1000 * 1536 // (_AC3_RATES[rate] * 16)
    return 2 * (words + (code & 1 if rate == 1 else 0))


def eac3_frame(header: bytes) -> int:
    """Return the length in bytes of the enhanced AC-3 frame under a header, 0 when it is none (ATSC A/52, E.1.2)."""
    if len(header) < 6 or header[:2] != b"\x0b\x77" or not 11 <= header[5] >> 3 <= 16:
        return 0
    return 2 * (((header[2] & 7) << 8 | header[3]) + 1)


def opus_samples(packet: bytes | memoryview) -> int:
    """Return how many samples at 48 kHz an Opus packet lasts, 0 where it is none (RFC 6716, sections 3.1 and 3.4)."""
    if not packet:
        return 0
    one, code, rest = _OPUS_FRAMES[packet[0] >> 3], packet[0] & 3, len(packet) - 1
    if code == 3:
        frames = packet[1] & 63 if rest else 0
    elif (code == 1 and rest % 2) or (code == 2 and not rest):
        frames = 0
    else:
        frames = 2 if code else 1
    return one * frames if one * frames <= _LONGEST_OPUS else 0


_STREAMS: tuple[tuple[str, Callable[[bytes], int]], ...] = (
    ("mp3", layer3_frame),
    ("mp2", layer2_frame),
    ("aac", adts_frame),
    ("ac3", ac3_frame),
    ("eac3", eac3_frame),
)


def _zeros(head: bytes, start: int) -> int:
    """Count the zero bytes at `start`: some writers pad a tag with them."""
    rest = head[start:]
    return len(rest) - len(rest.lstrip(b"\0"))


def _mpeg_frame(header: bytes, *, layer: int) -> int:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE0 | layer:
        return 0
    version, rate, bits = header[1] >> 3 & 3, header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or rate == 3 or bits in (0, 15):
        return 0
    kbps = (_LAYER3_KBPS if layer == 0x02 else _LAYER2_KBPS)[version][bits]
    samples = 72 if version != 3 and layer == 0x02 else 144
    return samples * kbps * 1000 // _MPEG_RATES[version][rate] + (header[2] >> 1 & 1)
