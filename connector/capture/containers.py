"""Which sound container a file is, by its first bytes. In: bytes. Out: a container name or None.

Never looks at a file name or a declared media type: both come from the sender.
"""

from __future__ import annotations

from types import MappingProxyType

HEAD = 64 * 1024

MEDIA_TYPES = MappingProxyType(
    {
        "aac": "audio/aac",
        "aiff": "audio/aiff",
        "amr": "audio/amr",
        "au": "audio/basic",
        "caf": "audio/x-caf",
        "flac": "audio/flac",
        "m4a": "audio/mp4",
        "mkv": "audio/x-matroska",
        "mov": "video/quicktime",
        "mp3": "audio/mpeg",
        "mp4": "audio/mp4",
        "ogg": "audio/ogg",
        "wav": "audio/wav",
        "webm": "audio/webm",
        "wma": "audio/x-ms-wma",
    }
)

_STARTS = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"#!AMR", "amr"),
    (b"caff", "caf"),
    (b".snd", "au"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"),
)
# Writers that cannot go back to the header leave 0 or a number close to the largest there.
_UNKNOWN_SIZE = 0x7FFF_0000
_MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LAYER3_KBPS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def sniff(head: bytes) -> str | None:
    """Return the container of a file whose first bytes are `head`: a key of MEDIA_TYPES, or None for anything else.

    64 KiB of head are enough for every container; with fewer bytes an MP3 without a tag may not be recognised.
    """
    for start, container in _STARTS:
        if head.startswith(start):
            return container
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else "mkv"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _iso_media(head)
    return _mpeg_audio(head)


def lacks_end(container: str, *, head: bytes, size: int) -> bool:
    """Say whether the header of a WAV or MP3 file states more bytes than the `size` there are.

    Of the other containers the demuxer's report tells more; a header that states nothing is never held against a file.
    """
    if container == "wav" and head.startswith(b"RIFF"):
        stated = int.from_bytes(head[4:8], "little")
        return stated < _UNKNOWN_SIZE and stated + 8 > size + 1
    if container == "mp3":
        start = max(0, head.find(b"\xff", _tag_length(head)))
        frame = head[start : start + (_layer3_frame(head[start : start + 4]) or 0)]
        at = max(frame.find(b"Xing"), frame.find(b"Info"))
        if at < 0 or len(frame) < at + 16 or not frame[at + 7] & 2:
            return False
        bytes_at = at + 8 + (4 if frame[at + 7] & 1 else 0)
        return start + int.from_bytes(frame[bytes_at : bytes_at + 4], "big") > size + 1
    return False


def breaks_off(container: str, *, tail: bytes) -> bool:
    """Say whether an Ogg file ends before its stream does, by the last 64 KiB of it.

    The last page of a whole one is marked so and all there (RFC 3533, section 6); a page has at most 65307 bytes.
    """
    if container != "ogg":
        return False
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if not page.startswith(b"OggS") or len(page) < 27 or not page[5] & 4:
        return True
    lengths = page[27 : 27 + page[26]]
    return len(page) < 27 + page[26] + sum(lengths)


def media_type(container: str) -> str:
    """Return the media type a browser can play `container` under; application/octet-stream when unknown."""
    return MEDIA_TYPES.get(container, "application/octet-stream")


def _iso_media(head: bytes) -> str:
    """Tell the ISO base media files apart by their major brand; files older than brands are QuickTime."""
    if head[4:8] != b"ftyp" or head[8:12] == b"qt  ":
        return "mov"
    return "m4a" if head[8:11] in (b"M4A", b"M4B") else "mp4"


def _mpeg_audio(head: bytes) -> str | None:
    """Recognise MP3 and ADTS AAC: an ID3 tag in front, or two frame headers at the distance the first one states."""
    start = _tag_length(head)
    if start and start + 4 > len(head):
        return "mp3"
    start += _zeros(head, start)
    if (size := _layer3_frame(head[start : start + 4])) and _layer3_frame(head[start + size : start + size + 4]):
        return "mp3"
    if (size := _adts_frame(head[start : start + 7])) and _adts_frame(head[start + size : start + size + 7]):
        return "aac"
    return None


def _tag_length(head: bytes) -> int:
    """Return the length in bytes of the ID3v2 tag in front (its size is four times seven bits), 0 without one."""
    if not head.startswith(b"ID3") or len(head) < 10 or max(head[6:10]) >= 0x80:
        return 0
    return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])


def _zeros(head: bytes, start: int) -> int:
    """Count the zero bytes at `start`: some writers pad a tag with them."""
    rest = head[start:]
    return len(rest) - len(rest.lstrip(b"\0"))


def _layer3_frame(header: bytes) -> int:
    """Return the length in bytes of the MPEG layer III frame under a four-byte header, 0 when it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, rate, bits = header[1] >> 3 & 3, header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or rate == 3 or bits in (0, 15):
        return 0
    samples = 144 if version == 3 else 72
    return samples * _LAYER3_KBPS[version][bits] * 1000 // _MPEG_RATES[version][rate] + (header[2] >> 1 & 1)


def _adts_frame(header: bytes) -> int:
    """Return the length in bytes of the ADTS frame under a seven-byte header, 0 when it is none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0
