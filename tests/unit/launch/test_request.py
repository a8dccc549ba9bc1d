"""The EHR's launch request: exactly one iss and one launch, both opaque."""

from __future__ import annotations

import pytest

from connector.errors import LaunchRefused
from connector.launch.request import LaunchRequest, read_launch_request


def test_iss_and_launch_are_kept_as_they_came() -> None:
    request = read_launch_request([("iss", "https://EHR.example.org/r4/"), ("launch", "a b&c/=="), ("more", "ignored")])
    assert request == LaunchRequest(iss="https://EHR.example.org/r4/", launch="a b&c/==")


def test_the_launch_handle_is_not_shown_where_a_request_is_printed() -> None:
    assert "a-handle" not in repr(LaunchRequest(iss="https://ehr.example.org", launch="a-handle"))


@pytest.mark.parametrize(
    "params",
    [
        [],
        [("iss", "https://ehr.example.org")],
        [("launch", "x")],
        [("iss", ""), ("launch", "x")],
        [("iss", "https://ehr.example.org"), ("launch", "")],
        [("iss", "https://ehr.example.org"), ("iss", "https://evil.example"), ("launch", "x")],
        [("iss", "https://ehr.example.org"), ("launch", "x"), ("launch", "y")],
        [("iss", "https://ehr.example.org\r\nX: y"), ("launch", "x")],
        [("iss", "https://ehr.example.org/" + "a" * 2048), ("launch", "x")],
        [("iss", "https://ehr.example.org"), ("launch", "x" * 8193)],
    ],
)
def test_a_launch_without_exactly_one_of_each_is_refused(params: list[tuple[str, str]]) -> None:
    with pytest.raises(LaunchRefused) as refused:
        read_launch_request(params)
    assert "evil.example" not in refused.value.detail
    assert "\r" not in refused.value.detail
