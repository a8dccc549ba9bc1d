"""An Ogg recording that ends before its stream does is known by its last page."""

import pytest

from connector.capture.containers import HEAD, breaks_off
from tests.builders import recording_bytes

WHOLE = recording_bytes("billie")


def test_a_whole_recording_does_not_break_off() -> None:
    assert not breaks_off("ogg", tail=WHOLE[-HEAD:])


@pytest.mark.parametrize("missing", [1, 100, len(WHOLE) // 2, len(WHOLE) - 3000])
def test_a_recording_without_its_end_breaks_off(missing: int) -> None:
    assert breaks_off("ogg", tail=WHOLE[:-missing][-HEAD:])


@pytest.mark.parametrize("tail", [b"", b"OggS", b"noise" * 1000])
def test_what_ends_in_no_page_breaks_off(tail: bytes) -> None:
    assert breaks_off("ogg", tail=tail)


def test_other_containers_are_not_judged_by_it() -> None:
    assert not breaks_off("wav", tail=b"")
