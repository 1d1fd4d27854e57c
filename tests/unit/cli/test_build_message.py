"""What a failed build says."""

from pipelines.build import cause_of

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
