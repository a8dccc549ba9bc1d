"""The supervisor: what it starts is ready or explained, and nothing it started outlives it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from connector_sandbox import pidfile
from connector_sandbox.pidfile import Mark, PidFile
from connector_sandbox.processes import PID_FILE, Child, PortTaken, StartFailed, Supervisor, claim_port

SOON = 90.0
IDLE = "print('up', flush=True); import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {IDLE}"
WEB_SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if Handler.asked > 2 else 503)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print("ready on", server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path, grace_seconds=5) as running:
        yield running


def python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-c", program, *arguments]


def start_ready(supervisor: Supervisor, name: str, program: str, *arguments: str) -> Child:
    child = supervisor.start(name, python(program, *arguments))
    child.await_line("^up$", seconds=SOON)
    return child


def becomes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# Readiness


def test_a_line_of_the_log_tells_that_a_child_is_ready(supervisor: Supervisor) -> None:
    child = supervisor.start("web", python("print('warming'); print('ready on 4711')"))
    assert child.await_line(r"^ready on (\d+)$", seconds=SOON)[1] == "4711"


def test_a_line_printed_just_before_a_quick_end_still_counts(supervisor: Supervisor) -> None:
    child = supervisor.start("quick", python("print('done')"))
    assert becomes_true(lambda: not child.is_running())
    assert child.await_line("^done$", seconds=SOON)


def test_http_readiness_waits_for_a_200(supervisor: Supervisor) -> None:
    child = supervisor.start("web", python(WEB_SERVER))
    port = child.await_line(r"^ready on (\d+)$", seconds=SOON)[1]
    child.await_http(f"http://127.0.0.1:{port}/health", seconds=SOON)
    assert child.output().count(" 503 ") == 2
    assert child.output().count(" 200 ") == 1


def test_http_readiness_takes_refused_connections_for_not_yet(supervisor: Supervisor) -> None:
    child = start_ready(supervisor, "deaf", IDLE)
    with pytest.raises(StartFailed, match=r"^deaf did not answer GET \S+/health with 200 within 1 s"):
        child.await_http(f"http://127.0.0.1:{claim_port()}/health", seconds=1)


def test_an_early_end_is_told_with_its_status_and_the_last_lines_of_the_log(supervisor: Supervisor) -> None:
    program = "for n in range(40): print('line', n, flush=True)\nraise SystemExit('no database')"
    child = supervisor.start("hapi", python(program))
    with pytest.raises(StartFailed, match=r"^hapi ended with status 1 before it was ready") as caught:
        child.await_line("^never$", seconds=SOON)
    text = str(caught.value)
    assert str(child.log) in text
    assert "no database" in text
    assert "line 39" in text
    assert "line 5" not in re.findall(r"line \d+", text)


def test_an_early_end_ends_the_wait_for_an_address_too(supervisor: Supervisor) -> None:
    child = supervisor.start("hapi", python("print('out of memory'); raise SystemExit(1)"))
    with pytest.raises(StartFailed, match=r"(?s)status 1.*out of memory"):
        child.await_http(f"http://127.0.0.1:{claim_port()}/", seconds=SOON)


def test_a_child_ended_by_a_signal_is_said_to_be(supervisor: Supervisor) -> None:
    child = start_ready(supervisor, "worker", IDLE)
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(StartFailed, match=r"^worker was ended by SIGKILL before it was ready"):
        child.await_line("^never$", seconds=SOON)


def test_an_unready_child_is_told_after_its_deadline(supervisor: Supervisor) -> None:
    child = start_ready(supervisor, "slow", IDLE)
    with pytest.raises(StartFailed, match=r"(?s)^slow did not print 'never' within 1 s.*\n    up$"):
        child.await_line("never", seconds=1)


def test_a_program_that_is_not_there_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match=r"^ghost could not be started: .*no-such-program"):
        supervisor.start("ghost", ["no-such-program"])


def test_the_environment_and_the_folder_are_the_childs(supervisor: Supervisor, tmp_path: Path) -> None:
    program = "import os; print(os.environ['COLOUR'], 'PATH' in os.environ, os.getcwd())"
    child = supervisor.start("env", python(program), env={"COLOUR": "blue"}, cwd=tmp_path)
    assert child.await_line(f"^blue True {re.escape(str(tmp_path))}$", seconds=SOON)


# Stopping


def test_children_are_stopped_one_after_the_other_last_started_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    program = """
import signal, sys, time
def leave(*_):
    time.sleep(float(sys.argv[3]))
    with open(sys.argv[1], "a") as order: order.write(sys.argv[2])
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""
    with Supervisor(tmp_path) as supervisor:
        for name, pause in (("a", "0"), ("b", "0.2"), ("c", "0.4")):
            start_ready(supervisor, name, program, str(order), name, pause)
    assert order.read_text() == "cba"


def test_a_child_that_ignores_the_request_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    with Supervisor(tmp_path, grace_seconds=0.5) as supervisor:
        child = start_ready(supervisor, "stubborn", STUBBORN)
        begun = time.monotonic()
    assert not child.is_running()
    assert 0.5 <= time.monotonic() - begun < SOON


def test_grandchildren_go_with_their_parent(supervisor: Supervisor) -> None:
    grandchild = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); print(p.pid);"
    child = start_ready(supervisor, "family", f"{grandchild} {IDLE}", STUBBORN)
    mark = pidfile.mark_process("grandchild", int(child.await_line(r"^(\d+)$", seconds=SOON)[1]))
    assert pidfile.is_alive(mark)
    child.stop(5)
    assert becomes_true(lambda: not pidfile.is_alive(mark))


def test_an_error_in_the_block_stops_the_children_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the visit failed"), Supervisor(tmp_path) as supervisor:
        child = start_ready(supervisor, "idle", IDLE)
        raise RuntimeError("the visit failed")
    assert not child.is_running()
    assert not (tmp_path / PID_FILE).exists()


def test_a_killed_child_can_be_started_again_under_its_name(supervisor: Supervisor) -> None:
    first = start_ready(supervisor, "worker", IDLE)
    assert supervisor.ended() == []
    first.kill()
    assert supervisor.ended() == [first]
    second = supervisor.start("worker", python(IDLE.replace("up", "up again")))
    assert second.await_line("^up.*$", seconds=SOON)[0] == "up again"
    assert second.log.read_text() == "up\nup again\n"
    assert second.pid != first.pid


def test_a_child_outlives_the_thread_that_started_it(supervisor: Supervisor) -> None:
    started: list[Child] = []
    thread = threading.Thread(target=lambda: started.append(start_ready(supervisor, "idle", IDLE)))
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert started[0].is_running()


# When the supervisor dies

PARENT = """
import signal, sys, time
from pathlib import Path
from connector_sandbox.processes import Supervisor
# A shell's background job ignores an interrupt, and so would all below it.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Supervisor(Path(sys.argv[1]), grace_seconds=5) as supervisor:
    for name in ("a", "b"):
        child = supervisor.start(name, [sys.executable, "-I", "-c", sys.argv[2]])
        child.await_line("^up$", seconds=90)
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", PidFile]]:
    """A supervisor in a process of its own, with two children, and its pid file as it was then."""
    argv = [sys.executable, "-c", PARENT, str(tmp_path), IDLE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        record = pidfile.read_pid_file(tmp_path / PID_FILE)
        assert record is not None
        try:
            yield parent, record
        finally:
            parent.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_do_not_outlive_their_supervisor(
    family: tuple["subprocess.Popen[str]", PidFile], how: signal.Signals, tmp_path: Path
) -> None:
    parent, record = family
    assert [child.name for child in record.children] == ["a", "b"]
    assert all(pidfile.is_alive(child) for child in record.children)
    parent.send_signal(how)
    assert becomes_true(lambda: not any(pidfile.is_alive(child) for child in record.children))
    assert becomes_true(lambda: not (tmp_path / PID_FILE).exists())


def test_a_stop_from_another_process_ends_the_supervisor_and_its_children(
    family: tuple["subprocess.Popen[str]", PidFile], tmp_path: Path
) -> None:
    _, record = family
    assert pidfile.stop_recorded(tmp_path / PID_FILE) == ["supervisor", "a", "b"]
    assert not any(pidfile.is_alive(mark) for mark in (record.supervisor, *record.children))
    assert pidfile.stop_recorded(tmp_path / PID_FILE) == []


# The pid file


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(python(IDLE), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


def test_a_process_that_has_only_got_a_recorded_id_is_left_alone(
    bystander: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    real = pidfile.mark_process("bystander", bystander.pid)
    other = Mark("hapi", real.pid, started="another-boot/1")
    assert pidfile.is_alive(real)
    assert not pidfile.is_alive(other)
    PidFile(supervisor=other, children=(other,)).write(tmp_path / PID_FILE)
    assert pidfile.stop_recorded(tmp_path / PID_FILE) == []
    assert bystander.poll() is None


def test_an_ended_process_is_not_alive_even_before_it_is_collected(bystander: "subprocess.Popen[str]") -> None:
    mark = pidfile.mark_process("bystander", bystander.pid)
    os.kill(bystander.pid, signal.SIGKILL)
    assert becomes_true(lambda: not pidfile.is_alive(mark))
    assert bystander.returncode is None


def test_an_adopted_process_is_stopped_with_the_rest(bystander: "subprocess.Popen[str]", tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.adopt("database", bystander.pid)
        assert bystander.poll() is None
    assert bystander.wait(SOON) == -signal.SIGTERM


def test_what_an_earlier_supervisor_left_behind_is_stopped_first(
    bystander: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    gone = Mark("supervisor", bystander.pid, started="another-boot/1")
    PidFile(gone, (pidfile.mark_process("hapi", bystander.pid),)).write(tmp_path / PID_FILE)
    with Supervisor(tmp_path):
        assert bystander.wait(SOON) == -signal.SIGTERM


@pytest.mark.parametrize("content", ["", "[]", '{"supervisor": 1}', '{"supervisor": {"pid": 1}, "children": []}'])
def test_a_pid_file_that_cannot_be_understood_stops_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / PID_FILE).write_text(content)
    assert pidfile.stop_recorded(tmp_path / PID_FILE) == []


# Ports


def test_a_port_that_is_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 cannot be used"):
            claim_port(port)
    assert claim_port(port) == port


def test_any_free_port_is_found() -> None:
    port = claim_port()
    with socket.create_server(("127.0.0.1", port)):
        assert port >= 1024
