"""The state folder: each running demo has one of its own, with a path that the embedded PostgreSQL can live in."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from connector_sandbox import pidfile, state
from connector_sandbox.processes import PID_FILE, Supervisor
from connector_sandbox.state import (
    StateFolder,
    UnfitStateFolder,
    claim_state_folder,
    remove_state,
    state_root,
    stop_demos,
)

CLAIM_AND_WAIT = """
import sys, time
from pathlib import Path
from connector_sandbox.state import claim_state_folder
print(claim_state_folder(Path(sys.argv[1])).path.name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """In a place that everyone may enter, as the state folder of a demo of root's must be; pytest's own is closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "state"


def permissions(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def test_demos_side_by_side_get_folders_of_their_own(root: Path) -> None:
    first, second = claim_state_folder(root), claim_state_folder(root)
    assert [first.path, second.path] == [root / "d1", root / "d2"]
    first.release()
    third = claim_state_folder(root)
    assert third.path == root / "d1"
    second.release()
    third.release()


def test_a_folder_is_free_again_once_its_demo_is_killed(root: Path) -> None:
    argv = [sys.executable, "-c", CLAIM_AND_WAIT, str(root)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == "d1\n"
        mine = claim_state_folder(root)
        assert mine.path.name == "d2"
        demo.kill()
    freed = claim_state_folder(root)
    assert freed.path.name == "d1"
    mine.release()
    freed.release()


def test_a_child_of_the_demo_does_not_hold_its_folder(root: Path) -> None:
    folder = claim_state_folder(root)
    with Supervisor(folder.path) as supervisor:
        supervisor.start("idle", ["sleep", "600"])
        folder.release()
        again = claim_state_folder(root)
        assert again.path == folder.path
        again.release()


def test_what_an_earlier_demo_wrote_is_still_there(root: Path) -> None:
    folder = claim_state_folder(root)
    (folder.path / "ports.json").write_text("{}")
    folder.release()
    again = claim_state_folder(root)
    assert (again.path / "ports.json").read_text() == "{}"
    again.release()


def test_only_the_owner_can_read_a_state_folder(root: Path) -> None:
    before = os.umask(0)
    try:
        folder = claim_state_folder(root)
        assert permissions(folder.private) == 0o700
    finally:
        os.umask(before)
    # PostgreSQL's own user has to pass through a folder of root's, but sees nothing in it.
    expected = 0o711 if os.geteuid() == 0 else 0o700
    assert permissions(root) == permissions(folder.path) == expected
    folder.release()


def test_a_strict_umask_does_not_shut_postgresql_out(root: Path) -> None:
    before = os.umask(0o077)
    try:
        folder = claim_state_folder(root)
    finally:
        os.umask(before)
    assert permissions(folder.path) == (0o711 if os.geteuid() == 0 else 0o700)
    folder.release()


def test_below_a_closed_folder_root_is_refused_and_others_are_not(root: Path) -> None:
    home = root.parent / "home"
    home.mkdir(mode=0o700)
    try:
        folder: StateFolder | None = claim_state_folder(home / "state")
    except UnfitStateFolder as refusal:
        folder = None
        assert f"{home} is closed to others" in str(refusal)
    if folder is not None:
        folder.release()
    assert (folder is None) == (os.geteuid() == 0)
    assert permissions(home) == 0o700


def test_a_path_too_long_for_postgresqls_socket_is_refused() -> None:
    longest = Path("/" + "x" * 69)
    state._check_length(longest)
    with pytest.raises(UnfitStateFolder, match=r"71 bytes long.*allows 70.*Set STATE to a shorter one"):
        claim_state_folder(Path(f"{longest}x"))
    assert len(f"{longest}/d99/postgres/.s.PGSQL.5432") < 104


def test_a_path_that_cannot_be_made_is_refused(root: Path) -> None:
    root.write_text("")
    with pytest.raises(UnfitStateFolder, match=r"cannot be used.*Set STATE to another"):
        claim_state_folder(root / "state")


def test_the_chosen_folder_comes_first() -> None:
    assert state_root({"STATE": "/srv/demo", "XDG_STATE_HOME": "/elsewhere"}) == Path("/srv/demo")


def test_the_default_is_the_users_own_state_directory_or_roots_outside_every_home() -> None:
    chosen = state_root({"XDG_STATE_HOME": "/srv/ada/state"})
    usual = state_root({"STATE": "", "XDG_STATE_HOME": ""})
    if os.geteuid() == 0:
        assert chosen == usual == Path("/var/lib/smart-scribe")
    else:
        assert chosen == Path("/srv/ada/state/smart-scribe")
        assert usual == Path.home() / ".local/state/smart-scribe"


def test_stopping_names_what_ran(root: Path) -> None:
    folder = claim_state_folder(root)
    with subprocess.Popen(["sleep", "600"]) as left_behind:
        mark = pidfile.mark_process("hapi", left_behind.pid)
        gone = pidfile.Mark("supervisor", left_behind.pid, started="another-boot/1")
        pidfile.PidFile(gone, (mark,)).write(folder.path / PID_FILE)
        assert stop_demos(root) == ["d1: hapi"]
    assert stop_demos(root) == []
    folder.release()


def test_removal_takes_the_demos_folders_and_nothing_else(root: Path) -> None:
    for folder in [claim_state_folder(root), claim_state_folder(root)]:
        (folder.path / "postgres").mkdir()
        (folder.path / "postgres" / "data").write_text("x")
        folder.release()
    (root / "d3").mkdir()
    (root / "d3" / "holiday.jpg").write_text("not ours")
    remove_state(root)
    assert [path.name for path in root.iterdir()] == ["d3"]
    assert (root / "d3" / "holiday.jpg").exists()


def test_removal_takes_an_emptied_state_folder_too(root: Path) -> None:
    claim_state_folder(root).release()
    remove_state(root)
    remove_state(root)
    assert not root.exists()
