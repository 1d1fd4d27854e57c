"""Fields that come, go and change their type between two loads; nothing is overwritten before somebody has looked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.errors import DataError, PartialFailureError
from pipelines.salesforce import loader
from pipelines.salesforce.loader import load_salesforce
from pipelines.salesforce.orgs import FieldNames, read_field_names

Rows = Callable[[str], list[tuple[Any, ...]]]
COUNT = "select count(*) from raw_salesforce_icare.leads"


@pytest.fixture
def all_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field of a lead is loaded, as ``"*"`` in dbt_project.yml does."""

    def names(project_dir: Any) -> dict[str, FieldNames]:
        return {org: replace(one, extra={"Lead": ["*"]}) for org, one in read_field_names(project_dir).items()}

    monkeypatch.setattr(loader, "read_field_names", names)


def allow(world: Any, field: str, access: str) -> None:
    world.icare.control("POST", "permissions", org="icare", object="Lead", field=field, access=access)


def test_a_retyped_field_stops_its_object_and_no_other(world: Any, settings: Settings, rows: Rows) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead", "Task"])
    before = rows(COUNT)
    world.icare.control("POST", "advance", days=1)
    world.icare.control("POST", "fields", org="icare", object="Lead", field="external_hard_bounced__c", type="string")
    with pytest.raises(PartialFailureError, match=r"external_hard_bounced__c was bool, is string") as failure:
        load_salesforce(settings, ["icare"], objects=["Lead", "Task"])
    assert failure.value.exit_code == DataError.exit_code
    assert "--refresh Lead" in (failure.value.next_step or "")
    assert rows(COUNT) == before
    read_at = "select read_at from raw_salesforce_icare.source_reads where table_name = '{}'"
    assert rows(read_at.format("tasks")) > rows(read_at.format("leads"))


def test_a_refresh_takes_the_fields_as_they_are_now(world: Any, settings: Settings, rows: Rows) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead"])
    world.icare.control("POST", "fields", org="icare", object="Lead", field="Company", type="textarea")
    world.icare.control("POST", "fields", org="icare", object="Lead", field="ConvertedDate", type="string")
    with pytest.raises(PartialFailureError, match=r"ConvertedDate was date32\[day\], is string"):
        load_salesforce(settings, ["icare"], objects=["Lead"])
    load_salesforce(settings, ["icare"], objects=["Lead"], refresh=["Lead"])
    kind = rows("select data_type from information_schema.columns where column_name = 'ConvertedDate'")
    assert ("VARCHAR",) in kind
    assert rows(COUNT)[0][0] == len(world.icare.records("SELECT Id FROM Lead", deleted=True))


def test_a_field_that_is_gone_stops_its_object_with_the_reason(
    world: Any, settings: Settings, rows: Rows, all_fields: None
) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead"])
    before = rows(COUNT)
    allow(world, "Care_Segment__c", "none")
    with pytest.raises(PartialFailureError, match="Care_Segment__c was string, is gone"):
        load_salesforce(settings, ["icare"], objects=["Lead"])
    assert rows(COUNT) == before


def test_a_new_field_is_reported_and_loaded_for_all_records_where_wanted(
    world: Any, settings: Settings, rows: Rows, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    allow(world, "Care_Segment__c", "none")
    load_salesforce(settings, ["icare"], objects=["Lead"])
    allow(world, "Care_Segment__c", "read")
    notes = load_salesforce(settings, ["icare"], objects=["Lead"])["icare"].notes
    assert "Lead.Care_Segment__c is new: not loaded (salesforce_extra_fields)." in notes
    catalogue = "select is_loaded from raw_salesforce_icare.object_fields where field_name = 'Care_Segment__c'"
    assert (False,) in rows(catalogue)
    request.getfixturevalue("all_fields")
    load_salesforce(settings, ["icare"], objects=["Lead"])
    expected = len(world.icare.records("SELECT Id FROM Lead WHERE Care_Segment__c != null", deleted=True))
    assert rows("select count(Care_Segment__c) from raw_salesforce_icare.leads") == [(expected,)]
    assert expected > 0


def test_numbers_land_with_their_scale_by_rest_and_by_bulk(
    world: Any, settings: Settings, rows: Rows, all_fields: None
) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead"])
    types = dict(
        rows(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'raw_salesforce_icare' and table_name = 'leads'"
        )
    )
    assert types["AnnualRevenue"] == "DECIMAL(18,2)"
    assert types["Data_Quality__c"] == "DECIMAL(5,1)"
    assert types["NumberOfEmployees"] == "BIGINT"
    numbers = "select Id, AnnualRevenue, Data_Quality__c, NumberOfEmployees from raw_salesforce_icare.leads order by Id"
    by_rest = rows(numbers)
    shown = world.icare.records("SELECT Id, AnnualRevenue FROM Lead WHERE AnnualRevenue > 1000.5", deleted=True)
    assert {one["Id"]: float(amount) for one in shown if (amount := one["AnnualRevenue"])} == {
        lead: float(amount) for lead, amount, *_ in by_rest if amount is not None and amount > 1000.5
    }
    settings.salesforce["icare"].bulk_from_records = 1
    load_salesforce(settings, ["icare"], objects=["Lead"], refresh=["Lead"])
    assert rows(numbers) == by_rest
