"""Nothing is missed and nothing doubled: deletions of every kind, late commits, ties, changes under our hands."""

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.salesforce.loader import load_salesforce
from pipelines.salesforce.reading import Reading

Rows = Callable[[str], list[tuple[Any, ...]]]
LIVING = "IsConverted = false AND external_hard_bounced__c = false"


def leads(world: Any, count: int) -> list[str]:
    return [one["Id"] for one in world.icare.records(f"SELECT Id FROM Lead WHERE {LIVING} ORDER BY Id LIMIT {count}")]


def recycle_bin(world: Any, action: str, **body: Any) -> None:
    world.icare.control("POST", "recycle_bin", org="icare", action=action, **body)


def landed(rows: Rows, column: str, lead: str, table: str = "leads") -> Any:
    (row,) = rows(f"select {column} from raw_salesforce_icare.{table} where Id = '{lead}'")
    return row[0]


def load(settings: Settings, **more: Any) -> dict[str, int]:
    return load_salesforce(settings, ["icare"], objects=["Lead"], **more)["icare"].rows


def test_a_deleted_and_then_restored_lead_is_seen_as_both(world: Any, settings: Settings, rows: Rows) -> None:
    load(settings)
    (lead,) = leads(world, 1)
    recycle_bin(world, "delete", object="Lead", ids=[lead])
    load(settings)
    assert landed(rows, "IsDeleted", lead) is True
    recycle_bin(world, "undelete", object="Lead", ids=[lead])
    load(settings)
    assert landed(rows, "IsDeleted", lead) is False


def test_a_lead_that_left_the_recycle_bin_before_any_load_saw_it_is_in_the_log(
    world: Any, settings: Settings, rows: Rows
) -> None:
    load(settings)
    (lead,) = leads(world, 1)
    recycle_bin(world, "delete", object="Lead", ids=[lead])
    recycle_bin(world, "empty", object="Lead")
    load(settings, sweep=False)
    assert landed(rows, "IsDeleted", lead) is False
    assert rows(f"select object_name from raw_salesforce_icare.deleted_records where Id = '{lead}'") == [("Lead",)]


def test_a_merged_lead_names_the_one_that_it_became(world: Any, settings: Settings, rows: Rows) -> None:
    load(settings)
    survivor, loser = leads(world, 2)
    recycle_bin(world, "merge", survivor=survivor, ids=[loser], object="Lead")
    load(settings)
    assert landed(rows, "MasterRecordId", loser) == survivor
    assert landed(rows, "IsDeleted", loser) is True


def test_the_census_tells_who_is_there_today(world: Any, settings: Settings, rows: Rows) -> None:
    load(settings)
    gone, _ = leads(world, 2)
    recycle_bin(world, "delete", object="Lead", ids=[gone])
    recycle_bin(world, "empty", object="Lead")
    load(settings, sweep=True)
    newest = "(select max(swept_at) from raw_salesforce_icare.leads_sweep)"
    missing = rows(f"select Id from raw_salesforce_icare.leads_sweep where swept_at < {newest}")
    assert missing == [(gone,)]


def test_a_change_that_commits_after_a_later_one_was_read_is_not_missed(
    world: Any, settings: Settings, rows: Rows
) -> None:
    load(settings)
    late, early = leads(world, 2)
    slow = world.icare.control(
        "POST",
        "transactions",
        org="icare",
        records=[world.icare.record("Lead", late, external_hard_bounced__c=True)],
    )
    world.icare.row("PATCH", f"Lead/{early}", external_hard_bounced__c=True).raise_for_status()
    load(settings, sweep=False)
    until = rows("select read_at from raw_salesforce_icare.source_reads where table_name = 'leads'")
    world.icare.control("POST", "advance", days=1)
    world.icare.control("POST", "transactions", org="icare", commit=slow["id"])
    load(settings, sweep=False)
    assert landed(rows, "external_hard_bounced__c", late) is True
    assert landed(rows, "external_hard_bounced__c", early) is True
    assert landed(rows, "SystemModstamp", late) <= until[0][0].astimezone(landed(rows, "SystemModstamp", late).tzinfo)


def test_many_records_of_one_second_are_all_read(world: Any, settings: Settings, rows: Rows) -> None:
    load(settings)
    many = leads(world, 150)
    world.icare.update(*(world.icare.record("Lead", one, external_hard_bounced__c=True) for one in many))
    load(settings, sweep=False)
    assert rows(
        "select count(*), count(distinct SystemModstamp) from raw_salesforce_icare.leads"
        f" where external_hard_bounced__c and Id in ({', '.join(repr(one) for one in many)})"
    ) == [(150, 1)]


def test_a_record_that_changes_while_pages_are_read_ends_as_it_is(
    world: Any, settings: Settings, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(settings)
    many = leads(world, 3)
    records = [world.icare.record("Lead", one, external_hard_bounced__c=True) for one in many]
    world.icare.update(*records)
    read = Reading.tables

    def changing(reading: Reading) -> Any:
        """The first lead changes again after its window was opened, while its pages are read."""
        tables = list(read(reading))
        if reading.what.name == "Lead":
            world.icare.row("PATCH", f"Lead/{many[0]}", external_hard_bounced__c=False).raise_for_status()
        return iter(tables)

    with monkeypatch.context() as patch:
        patch.setattr(Reading, "tables", changing)
        load(settings, sweep=False)
    assert landed(rows, "external_hard_bounced__c", many[0]) is True
    load(settings, sweep=False)
    assert [landed(rows, "external_hard_bounced__c", one) for one in many] == [False, True, True]
    assert rows("select count(*) - count(distinct Id) from raw_salesforce_icare.leads") == [(0,)]
