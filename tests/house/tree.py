"""The tree as the house rules see it: tracked files and parsed modules. In: nothing. Out: paths and syntax trees."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file git tracks or would track, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(Path(line) for line in listed if (ROOT / line).is_file())


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Python files below the folders, relative to the root."""
    return tuple(path for path in tracked_files() if path.suffix == ".py" and path.parts[0] in folders)


@cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of one file, nested ones too."""
    return [node for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
