"""Containers are told by their first bytes and by nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.capture.confinement import DEMUXERS
from connector.capture.containers import HEAD, MEDIA_TYPES, is_playlist, lacks_end, media_type, sniff


def test_each_container_is_recognised(sounds):
    for name, data in sounds.items():
        assert sniff(data[:HEAD]) == name.removesuffix("-recorder")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Dear colleague, please find attached",
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"<?xml version='1.0'?><MPD></MPD>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\x89PNG\r\n\x1a\n",
        b"\x7fELF",
        b"ID3\x03\x00\x00\x00\x00\x00\x00Dear colleague",
        b"\xff\xfb\x90\x64" + b"no second frame" * 50,
        b"\xff\xff\xff\xff" * 500,
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"FORM\x00\x00\x00\x008SVX",
        bytes(5000),
    ],
)
def test_anything_else_is_not_recognised(head):
    assert sniff(head) is None


def test_a_tag_larger_than_the_head_is_taken_for_mp3():
    assert sniff(b"ID3\x03\x00\x00\x00\x7f\x7f\x7f" + bytes(5000)) == "mp3"


def test_an_mp3_with_a_padded_tag_is_recognised(sounds):
    data = sounds["mp3"]
    assert data.startswith(b"ID3")
    end = 10 + (data[8] << 7 | data[9])
    assert sniff(data[end:HEAD]) == "mp3"
    assert sniff(data[:end] + bytes(700) + data[end:HEAD]) == "mp3"


def test_a_transport_stream_with_times_is_recognised(sounds):
    """As camcorders write it (M2TS, MTS): four bytes in front of each packet."""
    data = sounds["ts"]
    timed = b"".join(bytes(4) + data[at : at + 188] for at in range(0, len(data), 188))
    assert sniff(timed[:HEAD]) == "ts"


PLAYLISTS = [
    b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n",
    b"\xef\xbb\xbf#EXTM3U\n",
    b"\n\n  #extm3u\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n",
    b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
    b"[playlist]\nFile1=/etc/passwd\n",
    b"[Reference]\nRef1=http://127.0.0.1/\n",
    b"<?xml version='1.0'?>\n<MPD></MPD>",
    b'<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/"></playlist>',
    b"<smil><body><audio src='/etc/passwd'/></body></smil>",
    b'<ASX version="3.0"><entry><ref href="mms://127.0.0.1/"/></entry></ASX>',
    b"rtsp://127.0.0.1/visit",
]


@pytest.mark.parametrize("head", PLAYLISTS)
def test_a_playlist_is_told_and_is_no_sound(head):
    assert is_playlist(head)
    assert sniff(head) is None


@given(st.binary(max_size=200))
def test_bytes_that_are_a_sound_are_never_called_a_playlist(head):
    assert not (sniff(head) and is_playlist(head))


def test_other_text_is_not_called_a_playlist(sounds):
    assert not is_playlist(b"<?xml version='1.0'?><note>Dear colleague</note>")
    assert not is_playlist(b"Dear colleague, v=0")
    assert not any(is_playlist(data[:HEAD]) for data in sounds.values())


def test_every_container_has_one_demuxer_and_a_media_type():
    assert DEMUXERS.keys() == MEDIA_TYPES.keys()


@pytest.mark.parametrize(
    ("brand", "container"),
    [
        *((brand, "m4a") for brand in (b"M4A ", b"M4B ", b"M4P ")),
        *((brand, "mp4") for brand in (b"M4V ", b"isom", b"3gp4", b"3g2a")),
        (b"qt  ", "mov"),
    ],
)
def test_iso_media_files_are_told_by_their_brand(brand, container):
    assert sniff(b"\x00\x00\x00\x18ftyp" + brand + bytes(40)) == container


@given(st.binary(max_size=300))
def test_any_bytes_give_a_known_container_or_none(head):
    assert sniff(head) in {None, *MEDIA_TYPES}


@pytest.mark.parametrize("name", ["wav", "mp3"])
def test_a_header_that_states_more_than_there_is_tells_a_missing_end(sounds, name):
    data = sounds[name]
    assert lacks_end(name, head=data[:HEAD], size=len(data)) is False
    assert lacks_end(name, head=data[:HEAD], size=len(data) // 2) is True


def test_a_header_that_states_nothing_tells_nothing(sounds):
    data = sounds["wav-recorder"]
    assert lacks_end("wav", head=data, size=len(data) // 2) is False
    assert lacks_end("ogg", head=sounds["ogg"], size=10) is False


@given(st.binary(max_size=100), st.integers(0, 1000))
def test_no_head_breaks_the_search_for_an_end(head, size):
    for prefix in (b"", b"RIFF", b"ID3\x03\x00\x00\x00\x00\x00\x05", b"\xff\xfb\x90\x64" + bytes(32) + b"Xing"):
        for container in ("wav", "mp3"):
            assert lacks_end(container, head=prefix + head, size=size) in (True, False)


def test_media_types_are_what_a_browser_plays():
    assert media_type("webm") == "audio/webm"
    assert media_type("m4a") == "audio/mp4"
    assert media_type("unheard-of") == "application/octet-stream"
