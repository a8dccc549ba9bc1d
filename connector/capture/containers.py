"""Which sound container a file is, by its first bytes. In: bytes. Out: a container name or None.

Never looks at a file name or a declared media type: both come from the sender.
"""

from __future__ import annotations

from types import MappingProxyType

from connector.capture.frames import is_transport_stream, layer3_frame, name_stream, tag_length

HEAD = 64 * 1024

MEDIA_TYPES = MappingProxyType(
    {
        "aac": "audio/aac",
        "ac3": "audio/ac3",
        "aiff": "audio/aiff",
        "amr": "audio/amr",
        "au": "audio/basic",
        "caf": "audio/x-caf",
        "eac3": "audio/eac3",
        "flac": "audio/flac",
        "flv": "video/x-flv",
        "m4a": "audio/mp4",
        "mkv": "audio/x-matroska",
        "mov": "video/quicktime",
        "mp2": "audio/mpeg",
        "mp3": "audio/mpeg",
        "mp4": "audio/mp4",
        "mxf": "application/mxf",
        "ogg": "audio/ogg",
        "ts": "video/mp2t",
        "tta": "audio/x-tta",
        "voc": "audio/x-voc",
        "w64": "audio/x-w64",
        "wav": "audio/wav",
        "webm": "audio/webm",
        "wma": "audio/x-ms-wma",
        "wv": "audio/x-wavpack",
    }
)

_STARTS = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"#!AMR", "amr"),
    (b"caff", "caf"),
    (b".snd", "au"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"),
    (b"riff\x2e\x91\xcf\x11\xa5\xd6", "w64"),
    (b"FLV\x01", "flv"),
    (b"TTA1", "tta"),
    (b"wvpk", "wv"),
    (b"Creative Voice File\x1a", "voc"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", "mxf"),
)
# Writers that cannot go back to the header leave 0 or a number close to the largest there.
_UNKNOWN_SIZE = 0x7FFF_0000
# Texts that only say where a recording lies; whatever their name, they are not one.
_PLAYLISTS = (b"#extm3u", b"ffconcat", b"v=0", b"[playlist]", b"[reference]", b"<smil", b"<asx", b"rtsp://", b"http://")
_XML_PLAYLISTS = (b"<smil", b"<asx", b"<playlist", b"<mpd", b"<smoothstreamingmedia")


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
    if is_transport_stream(head):
        return "ts"
    return name_stream(head)


def is_playlist(head: bytes) -> bool:
    """Say whether a file is a playlist or a session description: text that names recordings and holds none."""
    text = head[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<?xml", b"<!doctype")):
        return any(mark in text for mark in _XML_PLAYLISTS)
    return text.startswith(_PLAYLISTS)


def lacks_end(container: str, *, head: bytes, size: int) -> bool:
    """Say whether the header of a WAV or MP3 file states more bytes than the `size` there are.

    Of the other containers the demuxer's report tells more; a header that states nothing is never held against a file.
    """
    if container == "wav" and head.startswith(b"RIFF"):
        stated = int.from_bytes(head[4:8], "little")
        return stated < _UNKNOWN_SIZE and stated + 8 > size + 1
    if container == "mp3":
        start = max(0, head.find(b"\xff", tag_length(head)))
        frame = head[start : start + (layer3_frame(head[start : start + 4]) or 0)]
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
    return "m4a" if head[8:11] in (b"M4A", b"M4B", b"M4P") else "mp4"
