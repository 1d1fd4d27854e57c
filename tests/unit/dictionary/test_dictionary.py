"""The data dictionary says of every mart what it is, who owns it, its grain, and what every column means."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config import Settings
from pipelines.dictionary import data_dictionary
from pipelines.errors import BuildError

PROJECT = Path(__file__).parents[3]
METRICS = PROJECT / "models" / "marts" / "funnel" / "_funnel__metrics.yml"


def test_every_mart_and_seed_is_described_whole(
    parsed_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(parsed_project.parents[1]))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    shutil.copy(parsed_project, tmp_path)
    file = tmp_path / "dictionary.md"
    assert CliRunner().invoke(app, ["dictionary", "--out", str(file)]).exit_code == 0
    text = file.read_text()
    metrics = re.findall(
        r"^  - name: (\S+)\n    (?:label|description)", METRICS.read_text().split("\nmetrics:\n")[1], re.MULTILINE
    )
    told = text.split("\n## Metrics\n")[1]
    assert metrics
    assert all(f"| {name} | " in told for name in metrics)
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n### ")[1:]}
    marts = {path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")}
    seeds = {path.stem for path in (PROJECT / "seeds").glob("*.csv")}
    assert sections.keys() == marts | seeds
    for name in marts:
        assert "- Owner: " in sections[name], name
        assert "- One row per: " in sections[name], name
    assert re.findall(r"^\| \S+ \| +\|.*$|^\| .* \|  \|$", text, re.MULTILINE) == [], "columns without type or meaning"
    assert "| org | string | The Salesforce org, `icare` or `core`; part of every key (R9). |" in text


def test_a_broken_project_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "dbt_project.yml").write_text("name: [")
    with pytest.raises(BuildError, match=r"cannot read the project: .*'--profiles-dir': Path .* does not exist"):
        data_dictionary(Settings(project_dir=tmp_path))
    shutil.copy(PROJECT / "profiles.yml", tmp_path)
    with pytest.raises(BuildError, match=r"cannot read the project: .*Syntax error near line 2"):
        data_dictionary(Settings(project_dir=tmp_path))
