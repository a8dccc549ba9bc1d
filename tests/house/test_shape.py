"""Size, names and docstrings of the code (architecture, house rules 1 to 3)."""

import ast
import re

import pytest

from tests.house.tree import ROOT, functions, parse, python_files

PRODUCT = python_files("connector")
ALL = python_files("connector", "smart-launch", "tests", "bench")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "service", "handler"}
# Callables whose signature a library dictates, or that only mirror a wire form's fields.
FREE_SIGNATURES = {"__init__", "__exit__", "__aexit__", "__call__"}


@pytest.mark.parametrize("path", ALL, ids=str)
def test_a_file_stays_within_400_lines(path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_functions_stay_within_60_lines(path) -> None:
    if "versions" in path.parts:
        return
    long = [node.name for node in functions(path) if (node.end_lineno or 0) - node.lineno + 1 > 60]
    assert not long


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_functions_take_at_most_five_arguments_and_names_after_the_third(path) -> None:
    """Up to three go by position: what is worked with, what on, and one more.

    `parts` does not count, nor do routes; a private function may take one more.
    """
    wrong = []
    for node in functions(path):
        positional = [
            argument.arg
            for argument in (*node.args.posonlyargs, *node.args.args)
            if argument.arg not in ("self", "cls")
        ]
        total = len(positional) + len(node.args.kwonlyargs)
        routed = any(isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) for one in node.decorator_list)
        total -= "parts" in positional
        if (
            node.name not in FREE_SIGNATURES
            and not routed
            and (total > 5 or len(positional) > 3 + node.name.startswith("_"))
        ):
            wrong.append(node.name)
    assert not wrong


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_a_module_says_what_it_is_in_one_to_four_lines(path) -> None:
    if "versions" in path.parts:
        return
    docstring = ast.get_docstring(parse(path))
    assert docstring, "no docstring"
    assert 1 <= len(docstring.splitlines()) <= 5


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_public_functions_and_classes_have_docstrings(path) -> None:
    if "versions" in path.parts:
        return
    bare = []
    for node in parse(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                bare.append(node.name)
            if isinstance(node, ast.ClassDef):
                bare += [
                    f"{node.name}.{inner.name}"
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not inner.name.startswith("_")
                    and not ast.get_docstring(inner)
                    and len(inner.body) > 1
                ]
    assert not bare


@pytest.mark.parametrize("path", ALL, ids=str)
def test_no_module_has_a_name_that_says_nothing(path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_the_product_never_asserts_and_never_leaves_work_for_later(path) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not [node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.Assert)]
    assert not re.search(r"#\s*(TODO|FIXME|XXX)", source)
    assert "NotImplementedError" not in source or "versions" in path.parts


def test_at_most_five_patches_in_a_hundred_tests() -> None:
    patches = tests = 0
    for path in python_files("tests"):
        if path.parts[1] == "house":
            continue
        source = (ROOT / path).read_text(encoding="utf-8")
        patches += len(re.findall(r"monkeypatch\.setattr|mock\.patch|MagicMock|AsyncMock", source))
        tests += len(re.findall(r"^\s*(?:async )?def test_", source, re.MULTILINE))
    assert tests > 0
    assert patches * 100 <= tests * 5


def test_no_test_is_skipped_or_expected_to_fail_without_a_reason() -> None:
    found = []
    for path in python_files("tests"):
        if path.parts[1] == "house":
            continue
        source = (ROOT / path).read_text(encoding="utf-8")
        found += [f"{path}: {match}" for match in re.findall(r"pytest\.mark\.(?:skip|xfail)\b[^\n]*", source)]
    assert not found
