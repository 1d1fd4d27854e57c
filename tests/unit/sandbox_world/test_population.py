"""The generated orgs: repeatable, with every kind of trouble somewhere, and clean where they must be clean."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from sandbox.world.catalog import CAMPAIGNS, ORGS, Role, campaign
from sandbox.world.clock import WORLD_START
from sandbox.world.fields import OBJECTS, fields
from sandbox.world.population import generate, history_members

LEADS = 2_000
HISTORY_START = WORLD_START.replace(tzinfo=None) - timedelta(days=45)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    generate(directory, leads=LEADS, seed=7, today=WORLD_START)
    return directory


@pytest.fixture(scope="module")
def world(directory: Path):
    with duckdb.connect(str(directory / "salesforce.duckdb"), read_only=True) as connection:
        yield connection


def _dump(database: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute("select schema_name || '.\"' || table_name || '\"' from duckdb_tables()").fetchall()
        return {name: connection.execute(f"select * from {name}").fetchall() for (name,) in tables}


def _one(world, query: str):
    return world.execute(query).fetchone()


def test_same_seed_and_size_give_the_same_data_and_another_seed_does_not(tmp_path: Path) -> None:
    dumps = []
    for name, seed in (("first", 3), ("second", 3), ("other", 4)):
        (tmp_path / name).mkdir()
        dumps.append(_dump(generate(tmp_path / name, leads=300, seed=seed, today=WORLD_START)))
    assert dumps[0] == dumps[1]
    assert dumps[0]['icare."Lead"'] != dumps[2]['icare."Lead"']


@pytest.mark.parametrize("leads", [10, 100])
def test_small_worlds_generate(tmp_path: Path, leads: int) -> None:
    database = generate(tmp_path, leads=leads, seed=1, today=WORLD_START)
    with duckdb.connect(str(database), read_only=True) as connection:
        counts = [connection.execute(f'select count(*) from {org}."Lead"').fetchone()[0] for org in ORGS]
    assert counts == [round(leads * 0.65), leads - round(leads * 0.65)]


@pytest.mark.parametrize("org", ORGS)
def test_tables_carry_the_orgs_own_names(world, org: str) -> None:
    for sobject in OBJECTS:
        columns = {row[0] for row in world.execute(f'describe {org}."{sobject}"').fetchall()}
        assert columns == {field.api_name for field in fields(org, sobject).values() if field.is_stored}
    assert ("Ext_Hard_Bounced__c" in {row[0] for row in world.execute('describe core."Lead"').fetchall()}) is True


@pytest.mark.parametrize("org", ORGS)
def test_ids_are_unique_and_references_resolve(world, org: str) -> None:
    for sobject in OBJECTS:
        assert _one(world, f'select count(*) = count(distinct "Id") from {org}."{sobject}"') == (True,)
        for field in fields(org, sobject).values():
            if field.references:
                targets = " union all ".join(f'select "Id" from {org}."{target}"' for target in field.references)
                dangling = f'select count(*) from {org}."{sobject}" where "{field.api_name}" not in ({targets})'
                assert _one(world, dangling) == (0,), (sobject, field.name)


@pytest.mark.parametrize("org", ORGS)
def test_nothing_happened_after_the_start_or_before_its_creation(world, org: str) -> None:
    start = WORLD_START.replace(tzinfo=None)
    for sobject in ("Account", "Opportunity", "Contact", "Lead", "Campaign", "CampaignMember", "Task"):
        wrong = f"""select count(*) from {org}."{sobject}"
            where "SystemModstamp" > $start or "SystemModstamp" < "CreatedDate" or "SystemModstamp" is null"""
        assert world.execute(wrong, {"start": start}).fetchone() == (0,), sobject
    assert _one(world, f'select count(*) - count(distinct "SystemModstamp") > 100 from {org}."Lead"') == (True,)


@pytest.mark.parametrize("campaign_", [one for one in CAMPAIGNS if one.role in (Role.CLEAN, Role.UNAPPROVED)])
def test_clean_campaigns_are_clean(world, campaign_) -> None:
    org = campaign_.org
    own = {name: field.api_name for name, field in {**fields(org, "Account"), **fields(org, "Lead")}.items()}
    members = world.execute(f"""
        select
            count(*),
            count(member."LeadId"),
            count(distinct lower(lead."Email")),
            bool_or(lead."IsDeleted" or lead."IsConverted" or lead."HasOptedOutOfEmail" or member."IsDeleted"
                or lead.pi__pardot_hard_bounced__c or lead."{own["external_hard_bounced__c"]}"),
            bool_and(regexp_full_match(lead."Email", '[a-z0-9.]+@[a-z0-9]+\\.example')),
            bool_and(account."Id" is null or account."{own["Is_Customer__c"]}" = 'No'
                and account."{own["Is_Partner__c"]}" = 'No' and account."Type" = 'Prospect'),
            count(distinct member."LeadId")
        from {org}."CampaignMember" as member
        left join {org}."Lead" as lead on lead."Id" = member."LeadId"
        left join {org}."Account" as account on account."Id" = lead."Matched_Account__c"
        where member."CampaignId" = '{campaign_.id}'""").fetchone()
    count = members[0]
    assert 0.08 * LEADS * {"icare": 0.65, "core": 0.35}[org] < count
    assert members == (count, count, count, False, True, True, count)


def test_members_of_clean_campaigns_are_strangers_everywhere_else(world) -> None:
    people = " union all ".join(
        f"""select '{org}' as org, "Id" as id, lower("Email") as email from {org}."{sobject}" """
        for org in ORGS
        for sobject in ("Lead", "Contact")
    )
    accounts = " union all ".join(
        f"""select regexp_extract(lower("Website"), '([a-z0-9]+\\.example)', 1) as domain,
            coalesce("{fields(org, "Account")["Is_Customer__c"].api_name}", '?') as customer,
            coalesce("{fields(org, "Account")["Is_Partner__c"].api_name}", '?') as partner, "Type" as type
            from {org}."Account" """
        for org in ORGS
    )
    clean = " union all ".join(
        f"""select '{one.org}' as org, lead."Id" as id, "Email" as email from {one.org}."CampaignMember" as member
            join {one.org}."Lead" as lead on lead."Id" = member."LeadId" where member."CampaignId" = '{one.id}'"""
        for one in CAMPAIGNS
        if one.role in (Role.CLEAN, Role.UNAPPROVED)
    )
    assert _one(
        world, f"select count(*) from ({clean}) as clean join ({people}) as p using (email) where p.id != clean.id"
    ) == (0,)
    doubtful = "customer != 'No' or partner != 'No' or type is distinct from 'Prospect'"
    at_work = f"({clean}) as clean join ({accounts}) as a on a.domain = split_part(email, '@', 2)"
    assert _one(world, f"select count(*) from {at_work} where {doubtful}") == (0,)
    memberships = " union all ".join(f'select "LeadId" as id from {org}."CampaignMember"' for org in ORGS)
    more = f"select id from ({memberships}) join ({clean}) using (id) group by id having count(*) > 1"
    assert world.execute(more).fetchall() == []


def test_the_dirty_campaign_is_dirty(world) -> None:
    members = f"""icare."CampaignMember" as member
        left join icare."Lead" as lead on lead."Id" = member."LeadId"
        left join icare."Account" as account on account."Id" = lead."Matched_Account__c"
        where member."CampaignId" = '{campaign("icare", 4).id}' and not member."IsDeleted" """
    for trouble in (
        'member."ContactId" is not null',
        'lead."IsConverted"',
        'lead."HasOptedOutOfEmail"',
        """account."Is_Customer__c" = 'Yes' or account."Is_Partner__c" = 'Yes'""",
        'account."Id" is not null and account."Is_Customer__c" is null',
        """account."Type" = 'Customer' and account."Is_Customer__c" = 'No'""",
        """lead."Email" is null or lead."Email" not like '%_@_%.example'""",
    ):
        assert _one(world, f"select count(*) > 0 from {members} and ({trouble})") == (True,), trouble


@pytest.mark.parametrize("org", ORGS)
def test_every_kind_of_trouble_occurs(world, org: str) -> None:
    lead = f'{org}."Lead"'
    for trouble in (
        '"IsConverted" and "ConvertedDate" is not null and "ConvertedContactId" is not null',
        '"IsDeleted" and "MasterRecordId" is null',
        '"IsDeleted" and "MasterRecordId" is not null',
        '"pi__pardot_hard_bounced__c"',
        '"Email" != lower("Email")',
        """"LastName" in ('Null', 'NA', 'None')""",
        """"LastName" = 'O''Brien'""",
        """not regexp_matches("LastName", '^[ -~]*$')""",
        """"OwnerId" in (select "Id" from {org}."User" where not "IsActive")""".replace("{org}", org),
    ):
        assert _one(world, f"select count(*) > 0 from {lead} where {trouble}") == (True,), trouble
    survivors = f"""select count(*) from {lead} as loser
        join {lead} as survivor on survivor."Id" = loser."MasterRecordId"
        join world.leads as loser_origin on loser_origin.id = loser."Id"
        join world.leads as survivor_origin on survivor_origin.id = survivor."Id"
        where survivor."IsDeleted" or loser_origin.person != survivor_origin.person"""
    assert _one(world, survivors) == (0,)
    twice = f'select "Email" from {lead} where not "IsDeleted" group by all having count(*) > 1'
    assert len(world.execute(twice.replace('select "Email"', 'select lower("Email")')).fetchall()) > 3


def test_people_occur_in_both_orgs(world) -> None:
    assert _one(
        world,
        """select count(*) > 10 from icare."Lead" as a join core."Lead" as b on lower(a."Email") = lower(b."Email")""",
    ) == (True,)


def test_history_members_are_those_who_were_exported(directory: Path, world) -> None:
    members = history_members(directory).to_pylist()
    assert {(row["org"], row["campaign_number"]) for row in members} == {("icare", 1), ("icare", 2), ("core", 1)}
    assert len({row["campaign_member_id"] for row in members}) == len(members)
    assert all(row["email"] and row["domain"].endswith(".example") for row in members)
    own = dict(world.execute('select "Id", "LeadId" from icare."CampaignMember"').fetchall())
    own |= dict(world.execute('select "Id", "LeadId" from core."CampaignMember"').fetchall())
    moved = [row for row in members if own[row["campaign_member_id"]] != row["lead_id"]]
    assert moved
    assert all(row["is_lead_deleted"] for row in moved)
    assert any(row["is_lead_deleted"] for row in members if row not in moved)
    joined = world.execute(f"""select max("CreatedDate") from icare."CampaignMember"
        where "CampaignId" = '{campaign("icare", 1).id}'""").fetchone()
    assert joined[0] < HISTORY_START


def test_ai_campaigns_that_ran_have_no_converted_lead(world) -> None:
    for org in ORGS:
        history = tuple(one.id for one in CAMPAIGNS if one.org == org and one.role is Role.HISTORY)
        query = f"""select count(*) from {org}."CampaignMember" as member
            join {org}."Lead" as lead on lead."Id" = member."LeadId"
            where "IsConverted" and member."CampaignId" in {(*history, "")}"""
        assert _one(world, query) == (0,)
