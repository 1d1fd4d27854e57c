"""The data dictionary: what dbt knows of marts, seeds and metrics, as Markdown. Nothing in it is written twice."""

from __future__ import annotations

import json
import os
import subprocess  # dbt in a process of its own, as for builds
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.engine import duckdb_engine, manifest_file
from pipelines.errors import BuildError

Node = dict[str, Any]


def data_dictionary(settings: Settings) -> str:
    """Every mart and seed with owner, grain and columns, by schema and name; and what each metric means.

    Raises:
        BuildError: the project cannot be read.
    """
    manifest = _manifest(settings)
    nodes: dict[str, Node] = manifest["nodes"]
    lines = ["# Data dictionary", ""]
    for title, kind, schema in (("Marts", "model", "marts"), ("Policy", "seed", "policy")):
        lines += [f"## {title}", ""]
        chosen = (node for node in nodes.values() if node["resource_type"] == kind and node["schema"] == schema)
        for node in sorted(chosen, key=lambda one: one["name"]):
            lines += _section(node, nodes)
    return "\n".join([*lines, *_metrics(manifest["metrics"])])


def _metrics(metrics: dict[str, Node]) -> Iterator[str]:
    yield from ("## Metrics", "", "| metric | meaning |", "|---|---|")
    for metric in sorted(metrics.values(), key=lambda one: one["name"]):
        yield f"| {metric['name']} | {_one_line(metric['description'] or metric['label'])} |"
    yield ""


def _manifest(settings: Settings) -> Node:
    """Of the whole project, of which dbt parses only what has changed since its last run."""
    dbt = Path(sys.executable).with_name("dbt")
    environment = os.environ | duckdb_engine(settings).environment
    result = subprocess.run(  # noqa: S603
        [str(dbt), "--quiet", "parse"],
        cwd=settings.project_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise BuildError(
            f"dbt cannot read the project: {' '.join((result.stdout + result.stderr).split())}",
            next_step="Correct what it names; dbt parse shows the details.",
        )
    manifest: Node = json.loads(manifest_file(settings).read_text())
    return manifest


def _section(node: Node, nodes: dict[str, Node]) -> Iterator[str]:
    yield f"### {node['name']}"
    yield ""
    yield _one_line(node["description"])
    yield ""
    facts = {
        "Owner": node["config"]["meta"].get("owner"),
        "One row per": ", ".join(_grain(node, nodes)),
        "File": node["original_file_path"],
    }
    yield from (f"- {name}: {value}" for name, value in facts.items() if value)
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in node["columns"].values():
        kind = column["data_type"] or node["config"].get("column_types", {}).get(column["name"], "text")
        yield f"| {column['name']} | {kind} | {_one_line(column['description'])} |"
    yield ""


def _grain(node: Node, nodes: dict[str, Node]) -> list[str]:
    """The columns that together are unique, by the tests on the node."""
    for test in nodes.values():
        if test.get("attached_node") == node["unique_id"]:
            metadata = test["test_metadata"]
            if metadata["name"] in {"primary_key", "unique_combination"}:
                return list(metadata["kwargs"]["columns"])
            if metadata["name"] == "unique":
                return [test["column_name"]]
    return []


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
