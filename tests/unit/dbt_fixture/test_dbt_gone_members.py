"""R5: a member that is gone from Salesforce stops everywhere; the data test knows it without filters of the models."""

from __future__ import annotations

from typing import Any

import duckdb

MEMBER, CAMPAIGN, CHANGED_AT = "00vIc0aaaaaaaaAIAQ", "701Ic0aaaaaaaaAIAQ", "2026-07-20 08:00:00+00"
AN_EARLIER_SWEEP, THE_LAST_SWEEP, ONE_THAT_BROKE_OFF = (
    "2026-08-31 06:00:00+00",
    "2026-09-01 06:00:00+00",
    "2026-09-01 07:00:00+00",
)
MODELS = ("--select", "+dim_campaign_members", "+int_audience__key_checks")
DATA_TEST = "assert_members_are_those_of_salesforce"


def test_who_is_gone_stops_everywhere(dbt: Any) -> None:
    dbt.load("--with-story")
    _in_salesforce(dbt, seen_at=THE_LAST_SWEEP)
    _build(dbt)
    for seen_at in (None, ONE_THAT_BROKE_OFF):
        _in_salesforce(dbt, seen_at=seen_at)
        assert _tested(dbt), f"found by {seen_at}, and no later sweep missed it"

    _in_salesforce(dbt, seen_at=AN_EARLIER_SWEEP)
    assert not _tested(dbt), "the spine still has the member"
    _build(dbt)
    assert _tested(dbt)
    assert _reasons(dbt) == {"member_not_visible"}

    _in_salesforce(dbt, seen_at=THE_LAST_SWEEP)
    assert not _tested(dbt), "the spine lacks the member"
    _in_salesforce(dbt, seen_at=THE_LAST_SWEEP, is_campaign_deleted=True)
    _build(dbt)
    assert _tested(dbt)
    assert _reasons(dbt) == {"campaign_deleted"}


def _in_salesforce(dbt: Any, *, seen_at: str | None, is_campaign_deleted: bool = False) -> None:
    """The story's member and campaign, and which sweep of all ids saw the member last."""
    with duckdb.connect(str(dbt.warehouse)) as warehouse:
        warehouse.execute("set schema = 'raw_salesforce_icare'")
        warehouse.execute(f"update campaign_members set SystemModstamp = '{CHANGED_AT}'")
        warehouse.execute("update campaigns set SystemModstamp = ?, IsDeleted = ?", [CHANGED_AT, is_campaign_deleted])
        for table in ("campaign_members_sweep", "campaigns_sweep"):
            warehouse.execute(f"delete from {table}")
        warehouse.execute("insert into campaigns_sweep values (?, ?)", [CAMPAIGN, THE_LAST_SWEEP])
        if seen_at:
            warehouse.execute("insert into campaign_members_sweep values (?, ?)", [MEMBER, seen_at])


def _tested(dbt: Any) -> bool:
    return bool(dbt("test", "--select", DATA_TEST).returncode == 0)


def _build(dbt: Any) -> None:
    """With the test that nothing is matched that the spine lacks."""
    assert dbt("build", *MODELS, "--resource-type", "model", "--resource-type", "seed").returncode == 0
    assert dbt("test", "--select", "assert_matched_members_exist_in_salesforce").returncode == 0


def _reasons(dbt: Any) -> set[object]:
    claims = "select distinct unmatched_reason from intermediate.int_audience__key_checks"
    return {reason for (reason,) in dbt.rows(f"{claims} where claim_source <> 'clay_csv_row'")}
