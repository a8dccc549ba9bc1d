"""Parts of documents that are made from code. In: the tree. Out: documents brought up to date, or the stale ones.

`python -m tests.house.generated` rewrites them; with `--check` it only says which are stale, and fails then.
"""

import re
import sys

from connector.app import load_rules
from connector.visit.states import OWNERS, State, draw_diagram
from tests.house.tree import ROOT


def sections() -> dict[tuple[str, str], str]:
    """(file, name of the marked section) to its text."""
    owners = "\n".join(f"| {state} | {OWNERS[state]} |" for state in State)
    note_types = "\n".join(
        f"| {one.key} | {one.title} | {one.loinc} | {', '.join(section.title for section in one.sections)} |"
        for one in load_rules().note_types.values()
    )
    return {
        ("ARCHITECTURE.md", "states"): f"```mermaid\n{draw_diagram()}\n```",
        ("ARCHITECTURE.md", "owners"): f"| state | who acts next |\n|---|---|\n{owners}",
        ("docs/clinician.md", "note-types"): f"| key | title | LOINC | sections |\n|---|---|---|---|\n{note_types}",
    }


def renewed(text: str, name: str, content: str) -> str:
    """`text` with the section between its two marks replaced."""
    pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise LookupError(f"no section marked {name}")
    return pattern.sub(lambda match: f"{match.group(1)}{content}\n{match.group(2)}", text)


def stale_files(*, write: bool = False) -> list[str]:
    """Files whose generated sections differ from what the code says now."""
    stale = []
    for (file, name), content in sections().items():
        path = ROOT / file
        before = path.read_text(encoding="utf-8")
        after = renewed(before, name, content)
        if after != before:
            stale.append(f"{file}: {name}")
            if write:
                path.write_text(after, encoding="utf-8")
    return stale


if __name__ == "__main__":
    check = "--check" in sys.argv
    found = stale_files(write=not check)
    for line in found:
        print(f"{'stale' if check else 'renewed'}: {line}")
    sys.exit(1 if check and found else 0)
