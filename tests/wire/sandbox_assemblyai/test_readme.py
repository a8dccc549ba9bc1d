"""The sandboxes' README can be followed: its commands run as they stand, and it names every kind of fault."""

from __future__ import annotations

import re
import subprocess
from typing import get_args

from connector_sandbox.assemblyai.faults import Kind

from tests.house.tree import ROOT

README = (ROOT / "smart-launch/sandbox/README.md").read_text("utf-8")
DETAILS = (ROOT / "smart-launch/sandbox/assemblyai/README.md").read_text("utf-8")
ADDRESS = "BASE=http://127.0.0.1:8001"


def test_its_commands_go_from_an_upload_to_the_stub_and_through_the_faults(assemblyai_base) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    script = "\n".join(blocks)
    assert script.count(ADDRESS) == 1
    script = script.replace(ADDRESS, f"BASE={assemblyai_base}").replace("KEY=any-key", "KEY=key-of-a-reader")
    done = subprocess.run(
        ["/bin/sh", "-euc", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    words, stub, *answers, faults = done.stdout.splitlines()
    assert "lisinopril" in words
    assert stub == "Deleted by user."
    assert answers == ['{"rules":1}', '{"rules":2}', '{"rules":3}', '{"rules":4}']
    assert [kind in faults for kind in ("429", "wrong_job", "webhook_lie", "deaf_deletion")] == [True] * 4


def test_a_misspelt_fault_is_answered_with_what_is_wrong(assemblyai_base) -> None:
    define = next(line for line in README.splitlines() if line.startswith("fault() "))
    script = f'BASE={assemblyai_base}\n{define}\nfault \'{{"kind": "statuss"}}\''
    done = subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, timeout=60, check=False)
    assert "'status'" in done.stdout
    assert "'wrong_job'" in done.stdout


def test_every_kind_of_fault_is_named_in_both_and_explained_in_one() -> None:
    kinds = set(get_args(Kind))
    assert len(kinds) > 20
    assert {kind for kind in kinds if f"`{kind}`" not in README} == set()
    explained = re.sub(r"`(_\w+)`", r"`webhook\1`", DETAILS)
    assert {kind for kind in kinds if f"`{kind}`" not in explained} == set()


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) >= 5
    assert all((ROOT / "smart-launch/sandbox" / link).exists() for link in links)
