"""A story with a row or two in every raw table, told by the marts."""

from __future__ import annotations

from typing import Any

import duckdb


def test_the_story_is_told_as_it_happened(dbt: Any) -> None:
    dbt.load("--with-story")
    with duckdb.connect(str(dbt.warehouse)) as warehouse:  # what the loader leaves of somebody who was erased before
        warehouse.execute("insert into raw_salesforce_core.leads (Id, Email) values ('00QCo0aaaaaaaacAAA', '[erased]')")
    models = ("--select", "+marts.audience", "+marts.replies", "--resource-type", "model", "--resource-type", "seed")
    result = dbt("build", *models)
    assert result.returncode == 0, result.stdout[-3000:]
    # R3, R5, R11: id cut to 15, lead merged, reply by webhook and poll, classified by Clay
    assert dbt.rows(
        "select campaign_member_id, lead_id, has_replied, classification, reply_count from marts.fct_member_reply_state"
    ) == [("00vIc0aaaaaaaaAIAQ", "00QIc0aaaaaaaaAMAQ", True, "Positive", 1)]
    assert dbt.rows("select is_seen_by_webhook, is_seen_by_poll, is_human_response from marts.fct_reply_events") == [
        (True, True, True)
    ]
    # R5: an id whose case was changed is another record, or none
    assert dbt.rows(
        "select unmatched_reason from intermediate.int_audience__key_checks where claim_source = 'clay_csv_row'"
    ) == [("member_not_in_salesforce",)]
    # R7, R9: the same id in the other org is another lead; the same address anywhere is the same person
    eligibility = "select org, exclusion_reasons from marts.fct_lead_eligibility where not is_erased"
    assert dbt.rows(f"{eligibility} order by all nulls first") == [
        ("core", None),
        ("icare", "contacted_recently, in_running_campaign"),
        ("icare", "merged, contacted_recently, in_running_campaign"),
    ]
    ((reasons, is_eligible),) = dbt.rows(
        "select exclusion_reasons, is_eligible from marts.fct_lead_eligibility where is_erased"
    )
    assert (is_eligible, "erased" in reasons) == (False, True)
    assert dbt.rows("select stage from marts.dim_campaign_members") == [("positive",)]
