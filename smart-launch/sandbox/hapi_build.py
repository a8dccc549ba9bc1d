"""Builds the HAPI FHIR server: Maven once per state of its sources, then an archive of loaded classes.
In: smart-launch/hapi. Out: a jar, its classpath and the archive in its target folder; the command that starts it.
Never runs Maven or trains again while its stamps hold."""

import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from connector_sandbox import toolchain
from connector_sandbox.processes import LOOPBACK, Supervisor

PROJECT = Path(__file__).resolve().parent.parent / "hapi"
TARGET = PROJECT / "target"
JAR = TARGET / "hapi-server.jar"
CLASSPATH = TARGET / "classpath.txt"
ARCHIVE = TARGET / "classes.jsa"
MAVEN_LOG = TARGET / "maven.log"

READY_LINE = r"^ready on (\d+)$"
START_SECONDS = 180.0
# The simple compiler and collector start the server in a third of the processor time of Java's defaults, and for the
# few thousand requests of a demo or a test run they are the faster ones as well.
JVM_OPTIONS = ("-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
DUMP_SECONDS = 120.0
PROGRESS_SECONDS = 5.0
DOWNLOADED = re.compile(r"^\[INFO\] Downloaded from .* \((\d+(?:\.\d+)?) ([kM]?B)[ )]")
STYLE = re.compile(r"\x1b\[[0-9;]*m")
MEGABYTES = {"B": 1e-6, "kB": 1e-3, "MB": 1.0}


class Unbuildable(Exception):
    """The server could not be built; the text says why, in Maven's words where Maven said it."""


def build(exercise: Callable[[str], object], say: Callable[[str], None]) -> None:
    """Makes the jar and the class archive unless they are there for these very sources and this JDK.

    `exercise` is called with the FHIR address of the server that the archive is taken from: what it makes the server
    load is in the archive. `say` gets a line of progress now and then. Raises Unbuildable."""
    if not PROJECT.is_dir():
        raise Unbuildable("the HAPI server is built from a checkout of the project; this installation holds none")
    with _one_at_a_time():
        if not _is_compiled():
            _compile(say)
        if not _is_archived():
            _archive(exercise, say)


def java_command(*arguments: str, options: Sequence[str] | None = None) -> list[str]:
    """The command line of the built server. `options` replace the class archive, which is used only while it is whole
    and of this JDK: Java itself leaves out one that fails its checksum, but not one that is cut short."""
    archive = ("-XX:+VerifySharedSpaces", f"-XX:SharedArchiveFile={ARCHIVE}") if _has_archive() else ()
    classpath = os.pathsep.join([str(JAR), CLASSPATH.read_text(encoding="utf-8").strip()])
    java = str(_jdk() / "bin" / "java")
    chosen = archive if options is None else options
    return [java, *JVM_OPTIONS, *chosen, "-cp", classpath, "sandbox.HapiServer", *arguments]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (PROJECT / "pom.xml").open("rb") as pom:
        fcntl.flock(pom, fcntl.LOCK_EX)
        yield


def _jdk() -> Path:
    home = toolchain.find_jdk()
    if home is None:
        raise Unbuildable("there is no Java development kit (17 or newer); `make demo` and `make test` install one")
    return home


def _is_compiled() -> bool:
    """Also false when a jar has gone from Maven's local repository, or cannot be read by this user."""
    if not JAR.is_file() or _stamp(JAR) != _source_key():
        return False
    return all(os.access(jar, os.R_OK) for jar in CLASSPATH.read_text(encoding="utf-8").strip().split(os.pathsep))


def _compile(say: Callable[[str], None]) -> None:
    maven = toolchain.find_maven()
    if maven is None:
        raise Unbuildable("there is no Maven; `make demo` and `make test` install it")
    TARGET.mkdir(exist_ok=True)
    key = _source_key()
    say("building the HAPI server; the first time, Maven downloads about 290 MB")
    goals = ["package", "dependency:build-classpath"]
    with subprocess.Popen(
        [str(maven), "--batch-mode", "-Dstyle.color=never", *goals],
        cwd=PROJECT,
        env={**os.environ, "JAVA_HOME": str(_jdk())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        errors = _follow(process.stdout, say)
    if process.returncode:
        said = takewhile(lambda line: line != "[ERROR]", errors)  # then follows general advice
        quoted = "".join(f"\n    {line}" for line in said)
        raise Unbuildable(f"Maven could not build the HAPI server ({MAVEN_LOG}):{quoted}")
    _write_stamp(JAR, key)


def _follow(output: Iterator[str], say: Callable[[str], None]) -> list[str]:
    """Copies Maven's output to its log and tells of the downloads from time to time. Returns its lines of error."""
    errors: list[str] = []
    files, megabytes, told = 0, 0.0, time.monotonic()
    with MAVEN_LOG.open("w", encoding="utf-8") as log:
        for styled in output:
            line = STYLE.sub("", styled)
            log.write(line)
            if line.startswith("[ERROR]"):
                errors.append(line.rstrip())
            if match := DOWNLOADED.match(line):
                files += 1
                megabytes += float(match[1]) * MEGABYTES[match[2]]
            if files and time.monotonic() - told >= PROGRESS_SECONDS:
                say(f"Maven: {files} files, {megabytes:.0f} MB downloaded")
                told = time.monotonic()
    return errors


def _archive(exercise: Callable[[str], object], say: Callable[[str], None]) -> None:
    """A server started with the archive is ready in about 60 % of the time. Java writes it when a server, told so at
    its start, ends. Going without is slower but sound, so a failure is told and not tried again."""
    say("writing the HAPI server's class archive, so that it starts faster from now on")
    fresh = ARCHIVE.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    ARCHIVE.unlink(missing_ok=True)
    options = [f"-XX:ArchiveClassesAtExit={fresh}"]
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Supervisor(Path(folder), grace_seconds=DUMP_SECONDS) as supervisor,
        ):
            child = supervisor.start("hapi", java_command("--port", "0", options=options))
            port = child.await_line(READY_LINE, seconds=START_SECONDS)[1]
            exercise(f"http://{LOOPBACK}:{port}/fhir")
        fresh.replace(ARCHIVE)
    except Exception as error:  # whatever it was: the server works without
        say(f"no class archive; the server starts without: {error}")
    _write_stamp(ARCHIVE, _archive_key())


def _is_archived() -> bool:
    return _stamp(ARCHIVE) == _archive_key()


def _has_archive() -> bool:
    return ARCHIVE.is_file() and _is_archived()


def _source_key() -> str:
    sources = sorted(path for path in (PROJECT / "src").rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in (PROJECT / "pom.xml", *sources):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(PROJECT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _archive_key() -> str:
    """Java itself checks its own version and the classpath; the size is the check it lacks."""
    size = ARCHIVE.stat().st_size if ARCHIVE.is_file() else 0
    release = (_jdk() / "release").read_text(encoding="utf-8")
    ingredients = "\n".join([_source_key(), release, CLASSPATH.read_text(encoding="utf-8"), *JVM_OPTIONS])
    return f"{hashlib.sha256(ingredients.encode()).hexdigest()} {size}"


def _stamp_file(product: Path) -> Path:
    return product.with_name(product.name + ".stamp")


def _stamp(product: Path) -> str | None:
    try:
        return _stamp_file(product).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _write_stamp(product: Path, key: str) -> None:
    _stamp_file(product).write_text(key, encoding="utf-8")
