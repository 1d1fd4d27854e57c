"""What the documents name exists: commands with their options, files, sections, and the periods of retention."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from pipelines.cli import app

PROJECT = Path(__file__).parents[3]
DOCUMENTS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS += sorted((PROJECT / "docs").glob("*.md"))
COMMAND = re.compile(r"(?:`|^|&& )outreach ((?:[a-z][a-z-]*)(?:[^`\n&#]*))", re.MULTILINE)
OURS = ("docs/", "seeds/", "pipelines/", "models/", "tests/", "deploy/", "macros/", "sandbox/", "dashboard/")
ROOT: Any = typer.main.get_command(app)
ROOT.list_commands(None)  # which loads them all


def problem(words: list[str]) -> str | None:
    """Why the command line would not know these words; arguments, which stand for anything, are left alone."""
    command = ROOT
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        names = words[0].replace("\\", "").split("|")
        if unknown := [name for name in names if name.isalpha() and name.islower() and name not in command.commands]:
            return f"no command {unknown[0]}"
        if names[0] not in command.commands:
            return None  # such as COMMAND
        command = command.commands[names[0]]
        words = words[1:]
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "--debug"}
    unknown = [word for word in words if word.startswith("--") and word not in options]
    return f"no option {unknown[0]} of {command.name}" if unknown else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_commands_options_and_links_exist(document: Path) -> None:
    text = document.read_text()
    commands = [re.split(r"[\s,;:.)]+(?=\s|$)|\s+", found) for found in COMMAND.findall(text)]
    wrong = {" ".join(words): reason for words in commands if (reason := problem([one for one in words if one]))}
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text)
    for path, section in links:
        target = (document.parent / path).resolve() if path else document
        if not target.exists():
            wrong[path] = "no such file"
        elif section and section not in sections(target):
            wrong[f"{path}#{section}"] = "no such section"
    for path in re.findall(r"`([\w./-]+)`", text):
        if path.startswith(OURS) and not (PROJECT / path).exists():
            wrong[path] = "no such file"
    assert not wrong


def sections(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_what_does_not_exist_is_noticed() -> None:
    assert problem(["forgive"]) == "no command forgive"
    assert problem(["ledger", "export", "--xml"]) == "no option --xml of export"
    assert problem(["load", "salesforce|clay", "--json"]) is None


def test_the_periods_are_those_of_the_seed() -> None:
    table = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", (PROJECT / "docs" / "security.md").read_text(), re.MULTILINE)
    with (PROJECT / "seeds" / "retention.csv").open(encoding="utf-8") as lines:
        assert table == [(row["what"], row["days"]) for row in csv.DictReader(lines)]
