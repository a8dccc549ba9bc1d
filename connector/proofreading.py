"""What `connector mappings check` does. In: settings. Out: every mistake in the files people write, with its line.

Where a schema finds nothing, the stage that reads the file has the last word: what passes here starts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jinja2 import TemplateError

from connector.app import load_keyterm_rules
from connector.assets.catalogue import list_mappings, list_templates, load_mapping, load_template, read_mapping
from connector.assets.mapping_check import check_mapping, check_prompt, load_schema, locate
from connector.assets.marked_yaml import Problem, read_marked
from connector.assets.prices import Prices
from connector.assets.registrations import check_registrations
from connector.consent.mapping import ConsentRules
from connector.context.mapping import ContextMapping, VendorReading
from connector.drafting.note_type import is_loinc, read_note_types
from connector.drafting.prompt import PromptTemplates
from connector.erasure.retention import RetentionRules
from connector.errors import Misconfigured
from connector.hints.drug_tables import read_classes, read_drug_names, read_first_choices, read_sound_alikes
from connector.hints.mapping import KeytermMapping
from connector.hints.sensitive import read_sensitive
from connector.hints.word_tables import Vocabulary, WordList, read_common_words, read_problem_book
from connector.settings import Settings
from connector.transcript.languages import SpeechModels
from connector.transcript.rules import SpeechRules
from connector.writeback.profile import WriteProfile


def check_files(settings: Settings) -> list[Problem]:
    """Every mistake in mappings/, templates/prompts and the registrations, each with file and line."""
    problems = [problem for name in _mapping_names() for problem in proofread_mapping(name, read_mapping(name))]
    problems += _check_prompts()
    if not problems:
        problems += _check_together()
    folder = settings.registrations_folder
    try:
        _, found = check_registrations(folder, profiles=list_mappings("ehr"), jurisdictions=_list_jurisdictions())
        problems += [replace(problem, file=str(folder / problem.file)) for problem in found]
    except Misconfigured as error:
        problems.append(Problem(str(folder), 1, "", error.detail.rstrip(".")))
    return problems


def _list_jurisdictions() -> Collection[str] | None:
    """Those a registration may name; None where the file has mistakes, which are told where it is checked."""
    with suppress(Misconfigured):
        return ConsentRules.from_dict(load_mapping("consent.yaml")).jurisdictions
    return None


def _mapping_names() -> list[str]:
    return [f"{folder}{name}.yaml" for folder in _FOLDERS for name in list_mappings(folder)]


def kind_of(name: str) -> str:
    """The schema and stage of a file: `ehr/generic.yaml` is of kind `ehr`, `drugs/classes.yaml` `drug-classes`."""
    folder, _, file = name.rpartition("/")
    file = file.removesuffix(".yaml")
    return f"drug-{file}" if folder == "drugs" else folder or file


def proofread_mapping(name: str, text: str) -> Sequence[Problem]:
    """The mistakes in the text of one file of mappings/, such as `ehr/generic.yaml`; () means that it loads."""
    kind = kind_of(name)
    file = f"mappings/{name}"
    problems = check_mapping(text, file, schema=load_schema(kind), formats={"loinc": _is_loinc})
    if problems:
        return problems
    marked = read_marked(text, file)
    try:
        _STAGES[kind](marked.value)
    except Misconfigured as error:
        reason = error.detail.removeprefix(file).removeprefix("mappings/ehr").lstrip(": ")
        return (locate(marked, reason),)
    return ()


def _is_loinc(value: object) -> bool:
    return not isinstance(value, str) or is_loinc(value)


def _read_vendor(raw: Mapping[str, Any]) -> None:
    """Both halves of a vendor's file: how notes are written there, and how the chart is read."""
    WriteProfile.from_dict(raw)
    VendorReading.from_dict(raw)


_FOLDERS = ("", "ehr/", "drugs/", "vocabularies/", "lists/")

_STAGES: Mapping[str, Callable[[Any], object]] = {
    "context": ContextMapping.from_dict,
    "keyterms": KeytermMapping.from_dict,
    "note-types": read_note_types,
    "consent": ConsentRules.from_dict,
    "problem-names": read_problem_book,
    "sensitive": read_sensitive,
    "speech": SpeechRules.from_dict,
    "prices": Prices.from_dict,
    "speech-models": SpeechModels.from_dict,
    "vendor-retention": RetentionRules.from_dict,
    "common-words": read_common_words,
    "drug-classes": read_classes,
    "drug-names": read_drug_names,
    "drug-sound-alikes": read_sound_alikes,
    "drug-first-choices": read_first_choices,
    "vocabularies": Vocabulary.from_dict,
    "lists": WordList.from_dict,
    "ehr": _read_vendor,
}


def _check_together() -> list[Problem]:
    """What no file shows alone: categories held back that nobody defined, classes of drugs nobody knows."""
    try:
        load_keyterm_rules()
    except Misconfigured as error:
        file, _, reason = error.detail.partition(": ")
        return [locate(read_marked(read_mapping(file.removeprefix("mappings/")), file), reason)]
    return []


def _check_prompts() -> list[Problem]:
    variables = {"system": ("title", "sections"), "user": ("title", "visit", "chart", "transcript")}
    problems: list[Problem] = []
    for name in list_templates("prompts"):
        role = name.removesuffix(".j2").rpartition(".")[2]
        text = load_template(f"prompts/{name}")
        problems += check_prompt(text, f"templates/prompts/{name}", variables=variables.get(role, ()))
    with suppress(Misconfigured):  # a mistake in the note types is told where they are checked
        for note_type in read_note_types(load_mapping("note-types.yaml")).values():
            problems += _try_prompt(note_type.prompt, note_type.title, note_type.sections)
    return problems


def _try_prompt(prompt: str, title: str, sections: Sequence[object]) -> list[Problem]:
    """Whether a note type's two templates are there and can be filled in."""
    file = f"templates/prompts/{prompt}.system.j2"
    try:
        system, user = load_template(f"prompts/{prompt}.system.j2"), load_template(f"prompts/{prompt}.user.j2")
        templates = PromptTemplates.from_sources(system, user, prompt)
        templates.system.render(title=title, sections=sections)
        templates.user.render(title=title, visit="{}", chart="", transcript="[]")
    except Misconfigured as error:
        return [] if "does not parse" in error.detail else [Problem(file, 1, "", error.detail.rstrip("."))]
    except TemplateError as error:
        return [Problem(file, 1, "", (error.message or "cannot be filled in").rstrip("."))]
    return []
