"""The Salesforce loader over real HTTP: what lands, what is read again, and what it says when something is wrong."""

from typing import Any

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.config.services import SalesforceOrg
from pipelines.errors import ConfigurationError, DataError, PartialFailureError, ServiceError
from pipelines.salesforce.loader import load_salesforce


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def test_everything_lands_deleted_and_merged_records_too(world, settings: Settings) -> None:
    loaded = load_salesforce(settings)
    for org, client in (("icare", world.icare), ("core", world.core)):
        for table, name in (("leads", "Lead"), ("campaign_members", "CampaignMember"), ("accounts", "Account")):
            expected = {record["Id"] for record in client.records(f"SELECT Id FROM {name}", deleted=True)}
            landed = {row[0] for row in rows(settings, f"select Id from raw_salesforce_{org}.{table}")}
            assert landed == expected
            assert loaded[org].rows[table] == len(expected)
    assert rows(settings, "select count(*) from raw_salesforce_icare.leads where MasterRecordId is not null")[0][0] > 0


def test_an_org_keeps_its_own_field_names_and_types(settings: Settings) -> None:
    load_salesforce(settings, ["core"], objects=["Lead"])
    types = dict(
        rows(
            settings,
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'raw_salesforce_core' and table_name = 'leads'",
        )
    )
    assert types["Ext_Hard_Bounced__c"] == "BOOLEAN"
    assert types["Business_Unit__c"] == "VARCHAR"
    assert types["SystemModstamp"] == "TIMESTAMP WITH TIME ZONE"
    assert types["ConvertedDate"] == "DATE"


def test_a_second_load_brings_what_changed_and_formulas_that_moved_no_timestamp(world, settings: Settings) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead"])
    (lead,) = world.icare.records(
        "SELECT Id FROM Lead WHERE overall_hard_bounced__c = false AND IsConverted = false ORDER BY Id LIMIT 1"
    )
    world.icare.update(world.icare.record("Lead", lead["Id"], external_hard_bounced__c=True)).raise_for_status()
    world.icare.control("POST", "advance", days=1)
    loaded = load_salesforce(settings, ["icare"], objects=["Lead"])["icare"].rows
    assert 0 < loaded["leads"] < loaded["leads_sweep"]
    by_id = f"where Id = '{lead['Id']}'"
    assert rows(settings, f"select external_hard_bounced__c from raw_salesforce_icare.leads {by_id}") == [(True,)]
    formula = f"select overall_hard_bounced__c from raw_salesforce_icare.leads_sweep {by_id}"
    assert rows(settings, formula) == [(True,)]


def test_loading_again_doubles_nothing(settings: Settings) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead"])
    load_salesforce(settings, ["icare"], objects=["Lead"])
    assert rows(settings, "select count(*) - count(distinct Id) from raw_salesforce_icare.leads") == [(0,)]


def test_a_token_that_expires_in_mid_load_is_renewed(world, settings: Settings) -> None:
    world.icare.control("POST", "faults", kind="expire_token", path="queryAll", after=2, org="icare")
    expected = world.icare.count("Contact")
    assert load_salesforce(settings, ["icare"])["icare"].rows["contacts"] >= expected


def test_a_busy_service_is_waited_for(world, settings: Settings) -> None:
    world.icare.control("POST", "faults", kind="status", path="queryAll", times=1, org="icare")
    assert load_salesforce(settings, ["icare"], objects=["User"])["icare"].rows["users"] > 0


def test_a_malformed_page_changes_nothing_in_that_org_and_the_other_is_whole(world, settings: Settings) -> None:
    load_salesforce(settings, ["icare"], objects=["Lead"])
    before = rows(settings, "select count(*) from raw_salesforce_icare.leads")
    world.icare.control("POST", "faults", kind="malformed_page", path="query.*Lead", times=9, org="icare")
    with pytest.raises(PartialFailureError, match=r"icare: .*not JSON.*Loaded whole: core"):
        load_salesforce(settings, objects=["Lead"])
    assert rows(settings, "select count(*) from raw_salesforce_icare.leads") == before
    assert rows(settings, "select count(*) from raw_salesforce_core.leads")[0][0] > 0
    world.icare.control("DELETE", "faults")
    load_salesforce(settings, objects=["Lead"])


def test_a_hidden_field_is_named_with_the_permission_to_give(world, settings: Settings) -> None:
    hide = {"org": "core", "object": "Lead", "field": "external_hard_bounced__c", "access": "none"}
    world.core.control("POST", "permissions", **hide)
    with pytest.raises(PartialFailureError, match=r"core does not show Lead\.Ext_Hard_Bounced__c") as error:
        load_salesforce(settings, ["core"], objects=["Lead", "Contact"])
    assert error.value.exit_code == DataError.exit_code
    assert "read access" in (error.value.next_step or "")
    assert rows(settings, "select count(*) from raw_salesforce_core.contacts")[0][0] > 0


def test_a_wrong_secret_is_a_matter_of_configuration(world, settings: Settings) -> None:
    settings.salesforce["icare"].client_secret = None
    with pytest.raises(ConfigurationError, match="neither a client secret nor a private key"):
        load_salesforce(settings, ["icare"])
    wrong = SalesforceOrg(login_url=world.icare.url, client_id="app-icare", client_secret="s3cr3t")
    settings.salesforce["icare"] = wrong
    with pytest.raises(ConfigurationError, match="refuses the sign-in") as error:
        load_salesforce(settings, ["icare"])
    assert "s3cr3t" not in error.value.message


def test_another_orgs_credentials_are_refused(world, settings: Settings) -> None:
    settings.salesforce["icare"].organization_id = "00DCo0aaaaaaaaA"
    with pytest.raises(ConfigurationError, match="sign in to the org 00DIc0"):
        load_salesforce(settings, ["icare"])


def test_a_service_that_is_not_there_is_named(settings: Settings) -> None:
    settings.salesforce["icare"].login_url = "http://127.0.0.1:9"
    with pytest.raises(ServiceError, match="Salesforce icare cannot be reached"):
        load_salesforce(settings, ["icare"])
