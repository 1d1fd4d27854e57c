"""What a build tells dbt, and what a failed one says."""

from pathlib import Path

import duckdb
import pytest
from rich.progress import Progress

from pipelines import build
from pipelines.build import build_and_publish, cause_of
from pipelines.config import Settings
from pipelines.engine import duckdb_engine
from pipelines.errors import RefusedError
from tests.fixtures.published_marts import publish_example

PROJECT = Path(__file__).parents[3]

REFUSED = """Encountered an error:
Compilation Error in operation outreach_warehouse-on-run-start-0 (./dbt_project.yml)
  Nothing was built, because these raw tables have not been loaded: raw_clay. Run first: outreach load clay

  > in macro assert_sources_loaded (macros/assert_sources_loaded.sql)
  > called by operation outreach_warehouse-on-run-start-0 (./dbt_project.yml)"""


def test_our_own_refusal_stands_alone() -> None:
    assert cause_of(REFUSED).startswith("Nothing was built, because")
    assert cause_of(REFUSED).endswith("Run first: outreach load clay")


def test_any_other_cause_names_its_model() -> None:
    assert cause_of("Runtime Error in model a (a.sql)\n  no\n  > in macro b") == "Runtime Error in model a (a.sql) no"


def test_the_project_s_own_warehouse_is_spelled_as_in_the_profile() -> None:
    """dbt would parse the project anew between `outreach build` and `dbt build`."""
    settings = Settings(project_dir=PROJECT, data_dir=PROJECT / "data")
    path = Path(duckdb_engine(settings).environment["OUTREACH_WAREHOUSE"])
    default = f"env_var('OUTREACH_DATA_DIR', '{path.parent}') ~ '/{path.name}'"
    assert f"env_var('OUTREACH_WAREHOUSE', {default})" in (PROJECT / "profiles.yml").read_text()


def test_a_warehouse_elsewhere_is_found_from_anywhere(tmp_path: Path) -> None:
    settings = Settings(project_dir=PROJECT, data_dir=tmp_path)
    assert duckdb_engine(settings).environment["OUTREACH_WAREHOUSE"] == str((tmp_path / "warehouse.duckdb").resolve())


def test_a_selection_is_refused_before_dbt_starts_if_the_warehouse_holds_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = publish_example(tmp_path)
    monkeypatch.setattr(build, "_dbt_build", lambda *_, **__: ({}, set()))
    first = build_and_publish(settings, Progress(disable=True), selector="replies").version
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create or replace table marts.fct_bounce_events as from marts.fct_bounce_events")
    monkeypatch.delattr(build, "_dbt_build")
    with pytest.raises(RefusedError, match=r"marts\.fct_bounce_events did not come with"):
        build_and_publish(settings, Progress(disable=True), selector="replies")
    assert len(list(settings.published_dir.glob("marts_*"))) == 2
    assert first.file.exists()
