"""What a build tells dbt, and what a failed one says."""

from pathlib import Path

from pipelines.build import cause_of
from pipelines.config import Settings
from pipelines.engine import duckdb_engine

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
    path = duckdb_engine(settings).environment["OUTREACH_WAREHOUSE"]
    assert f"env_var('OUTREACH_WAREHOUSE', '{path}')" in (PROJECT / "profiles.yml").read_text()


def test_a_warehouse_elsewhere_is_found_from_anywhere(tmp_path: Path) -> None:
    settings = Settings(project_dir=PROJECT, data_dir=tmp_path)
    assert duckdb_engine(settings).environment["OUTREACH_WAREHOUSE"] == str((tmp_path / "warehouse.duckdb").resolve())
