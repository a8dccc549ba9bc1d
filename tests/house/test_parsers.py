"""Parsers and writers the product may not have: XML of any kind (B12), CSV without neutralising (B14)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, parse, python_files, tracked_files

XML = {"xml", "lxml", "xmltodict", "defusedxml", "feedparser", "untangle", "pyexpat", "xmlschema", "zeep", "suds"}
CSV = {"csv", "pandas", "unicodecsv", "clevercsv", "openpyxl", "xlsxwriter"}
PRODUCT = python_files("connector", "smart-launch")


def imported(tree: ast.Module) -> set[str]:
    """The top-level names of everything a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            found |= {str(one.value).partition(".")[0] for one in node.args if isinstance(one, ast.Constant)}
    return found


def soups_of_markup(tree: ast.Module) -> list[str]:
    """Calls of BeautifulSoup that do not name the one parser without entities and DTDs."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    soups = (node for node in calls if ast.unparse(node.func).rpartition(".")[2] == "BeautifulSoup")
    return [
        ast.unparse(node)
        for node in soups
        if not any(isinstance(one, ast.Constant) and one.value == "html.parser" for one in node.args)
    ]


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_b12_no_module_parses_xml(path: Path) -> None:
    assert not imported(parse(path)) & XML
    assert not soups_of_markup(parse(path))


def test_b12_an_xml_parser_would_be_found() -> None:
    for source in (
        "import xml.etree.ElementTree as tree",
        "from lxml import etree",
        "def f():\n    from xml.dom import minidom",
        "import importlib\nimportlib.import_module('xml.sax')",
    ):
        assert imported(ast.parse(source)) & XML, source
    assert soups_of_markup(ast.parse("BeautifulSoup(text, 'lxml-xml')"))
    assert soups_of_markup(ast.parse("bs4.BeautifulSoup(text)"))
    assert not soups_of_markup(ast.parse("BeautifulSoup(text, 'html.parser')"))


def test_b12_no_script_of_a_page_parses_xml() -> None:
    scripts = [path for path in tracked_files() if path.suffix == ".js" and path.parts[0] == "connector"]
    assert len(scripts) > 5
    for path in scripts:
        assert not re.search(r"DOMParser|text/xml|responseXML", (ROOT / path).read_text(encoding="utf-8")), path


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_b14_nothing_is_written_as_a_table_of_text(path: Path) -> None:
    """A cell that begins with = + - @ is a formula to a spreadsheet. Whoever adds an export neutralises such cells.

    Names and texts of patients go nowhere as CSV today. The first module that writes one has to bring a function that
    neutralises, with a property test of its own, and to be named here.
    """
    assert not imported(parse(path)) & CSV
    assert "text/csv" not in (ROOT / path).read_text(encoding="utf-8")


def test_b14_a_table_of_text_would_be_found() -> None:
    assert imported(ast.parse("import csv")) & CSV
    assert imported(ast.parse("def f():\n    from csv import DictWriter")) & CSV
