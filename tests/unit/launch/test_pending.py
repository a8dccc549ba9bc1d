"""A pending launch is kept as JSON and comes back equal, and is never printed with its secrets."""

from __future__ import annotations

import json

import pytest

from connector.launch.authorization import LaunchSecrets
from connector.launch.pending import PendingLaunch, read_pending, write_pending


def test_a_pending_launch_survives_being_kept_as_json(pending: PendingLaunch) -> None:
    assert read_pending(json.loads(json.dumps(write_pending(pending)))) == pending


def test_secrets_are_not_printed(pending: PendingLaunch, drawn: LaunchSecrets) -> None:
    assert not any(value in repr(pending) for value in (drawn.state, drawn.nonce, drawn.code_verifier, drawn.browser))


@pytest.mark.parametrize("body", [{}, {"endpoints": {}, "created_at": "2026-03-02T09:30:00+00:00"}, {"endpoints": 7}])
def test_what_was_not_written_here_is_not_read(body: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_pending(body)
