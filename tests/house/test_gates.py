"""Nothing made from a patient's words leaves ungated: every call to a vendor in the product's code passes a gate."""

import ast
from collections.abc import Iterator

from tests.house.tree import parse, python_files

SENDING = {"upload", "submit", "fetch", "wait"}


def calls() -> Iterator[tuple[str, ast.Call, ast.Attribute]]:
    for path in python_files("connector"):
        if path.parts[1] == "clients":
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield str(path), node, node.func


def test_every_call_about_a_recording_passes_a_gate() -> None:
    found = 0
    for path, call, method in calls():
        owner = method.value
        if method.attr in SENDING and isinstance(owner, ast.Attribute) and owner.attr == "speech":
            found += 1
            assert any(keyword.arg == "gate" for keyword in call.keywords), f"{path}:{call.lineno}"
    assert found >= 3


def test_every_completion_goes_through_a_gate() -> None:
    found = 0
    for path, call, method in calls():
        if method.attr == "complete" and "gateway" in ast.dump(method.value):
            found += 1
            owner = method.value
            gated = isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute)
            assert gated and owner.func.attr == "through", f"{path}:{call.lineno}"  # type: ignore[union-attr]
    assert found >= 1
