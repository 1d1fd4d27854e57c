"""What happens in a day: people work in Salesforce, sales follow up positive replies, and the truth says so."""

from pathlib import Path

import duckdb

from sandbox.world.catalog import AI_CAMPAIGNS, campaign

DAY = "2026-09-01T"


def test_a_day_brings_new_changed_merged_and_deleted_leads(world) -> None:
    before = {
        one["Id"]: one for one in world.icare.records("SELECT Id, SystemModstamp, IsDeleted FROM Lead", deleted=True)
    }
    answer = world.icare.control("POST", "advance", days=1)
    assert answer["world_time"] == "2026-09-02T06:00:00+00:00"
    fields = "Id, SystemModstamp, IsDeleted, MasterRecordId, CreatedDate, HasOptedOutOfEmail"
    after = {one["Id"]: one for one in world.icare.records(f"SELECT {fields} FROM Lead", deleted=True)}
    new = [one for key, one in after.items() if key not in before]
    changed = [
        one for key, one in after.items() if key in before and one["SystemModstamp"] != before[key]["SystemModstamp"]
    ]
    gone = [one for one in changed if one["IsDeleted"] and not before[one["Id"]]["IsDeleted"]]
    assert len(new) == 1
    assert all(one["SystemModstamp"].startswith(DAY) for one in new + changed)
    assert {bool(one["MasterRecordId"]) for one in gone} == {True, False}
    assert before.keys() <= after.keys()
    assert world.icare.query("SELECT Id FROM Lead LIMIT 1").headers["date"] == "Wed, 02 Sep 2026 06:00:01 GMT"


def test_deleted_leads_take_their_members_with_them(world) -> None:
    world.icare.control("POST", "advance", days=2)
    members = world.icare.records("SELECT Id, LeadId, IsDeleted FROM CampaignMember WHERE LeadId != null", deleted=True)
    gone = {one["Id"] for one in world.icare.records("SELECT Id FROM Lead WHERE IsDeleted = true", deleted=True)}
    assert [one for one in members if one["LeadId"] in gone and not one["IsDeleted"]] == []


def test_a_merge_hands_members_over_unless_the_survivor_is_one_already(world) -> None:
    copies = world.state.rows("""
        select loser.id, survivor.id
        from world.leads as loser
        join world.leads as survivor using (org, person)
        join icare."Lead" as one on one."Id" = loser.id and not one."IsDeleted" and not one."IsConverted"
        join icare."Lead" as other on other."Id" = survivor.id and not other."IsDeleted" and not other."IsConverted"
        where loser.number > survivor.number
        order by loser.id""")
    alone, together = campaign("icare", 5).id, campaign("icare", 6).id
    for number, (loser, survivor) in enumerate(copies):
        for suffix, lead, campaign_id in (("a", loser, alone), ("b", loser, together), ("c", survivor, together)):
            world.state.execute(
                """insert into icare."CampaignMember" by name
                select ? as "Id", ? as "LeadId", ? as "CampaignId", false as "IsDeleted" """,
                [f"{number}{suffix}", lead, campaign_id],
            )
    world.icare.control("POST", "advance", days=1)
    ((loser, survivor),) = world.state.rows("""
        select record_id, other_id from world.events where org = 'icare' and kind = 'merged'""")
    number = copies.index((loser, survivor))
    after = world.state.rows(
        'select "Id", "LeadId", "IsDeleted" from icare."CampaignMember" where "Id" in (?, ?, ?) order by 1',
        [f"{number}{suffix}" for suffix in "abc"],
    )
    assert [row[1:] for row in after] == [(survivor, False), (loser, True), (survivor, False)]


def _reply(client, number: int, classification: str, count: int) -> dict[str, str]:
    members = client.records(
        f"SELECT Id, LeadId FROM CampaignMember WHERE CampaignId = '{campaign('icare', number).id}'"
        f" AND Lead.IsConverted = false ORDER BY Id LIMIT {count}"
    )
    changes = [client.record("CampaignMember", one["Id"], ReplyClassification__c=classification) for one in members]
    assert all(row["success"] for row in client.update(*changes).json())
    return {one["Id"]: one["LeadId"] for one in members}


def test_sales_follow_up_positive_replies_and_nobody_else_converts_members_of_ai_campaigns(world) -> None:
    positive = _reply(world.icare, 3, "Positive", 30)
    negative = _reply(world.icare, 1, "Negative", 20)
    campaigns = ", ".join(f"'{one.id}'" for one in AI_CAMPAIGNS)
    members = f"CampaignMember WHERE CampaignId IN ({campaigns}) AND LeadId != null"
    query = f"SELECT LeadId, ContactId, Lead.IsConverted FROM {members}"
    converted_before = {one["LeadId"] for one in world.icare.records(query) if one["Lead"]["IsConverted"]}
    world.icare.control("POST", "advance", days=6)
    converted = {one["LeadId"] for one in world.icare.records(query) if one["Lead"]["IsConverted"]} - converted_before
    assert converted
    assert converted <= set(positive.values())
    assert not converted & set(negative.values())
    tasks = world.icare.records("SELECT WhoId, OwnerId, CreatedDate FROM Task WHERE Subject LIKE 'Follow up%'")
    contacts = world.icare.records("SELECT ConvertedContactId FROM Lead WHERE IsConverted = true")
    called = {one["WhoId"] for one in tasks} - {one["ConvertedContactId"] for one in contacts}
    assert called <= set(positive.values())
    assert len(converted) < len(tasks) < len(positive)
    _check_converted_leads(world)


def _check_converted_leads(world) -> None:
    """A converted lead points to its contact and account, and its members and calls belong to the contact."""
    fields = "Id, OwnerId, Email, ConvertedContactId, ConvertedAccountId, ConvertedDate, Status"
    converted = world.icare.records(
        f"SELECT {fields} FROM Lead WHERE IsConverted = true AND ConvertedDate >= 2026-09-01"
    )
    assert converted
    for lead in converted:
        (contact,) = world.icare.records(
            f"SELECT Email, AccountId, Account.Name FROM Contact WHERE Id = '{lead['ConvertedContactId']}'"
        )
        assert (contact["Email"], contact["AccountId"]) == (lead["Email"], lead["ConvertedAccountId"])
        assert contact["Account"]["Name"]
        members = world.icare.records(f"SELECT ContactId FROM CampaignMember WHERE LeadId = '{lead['Id']}'")
        assert {one["ContactId"] for one in members} == {lead["ConvertedContactId"]}
        assert world.icare.count(f"Task WHERE WhoId = '{lead['ConvertedContactId']}'") > 0


def test_the_same_days_happen_in_the_same_world(start, tmp_path: Path) -> None:
    dumps = []
    for _ in range(2):
        world = start()
        _reply(world.icare, 3, "Positive", 10)
        world.icare.control("POST", "advance", days=2)
        dumps.append({name: world.state.rows(f'select * from icare."{name}"') for name in ("Lead", "Task", "Contact")})
    assert dumps[0] == dumps[1]


def test_the_truth_can_be_exported(world, tmp_path: Path) -> None:
    world.icare.control("POST", "advance", days=1)
    files = world.core.control("POST", "truth", out=str(tmp_path / "truth"))["files"]
    by_subject = {Path(file).stem.removeprefix("salesforce_"): file for file in files}
    leads, accounts, events = (by_subject[name] for name in ("leads", "accounts", "events"))
    members = by_subject["history_members"]
    in_salesforce = len(world.icare.records("SELECT Id FROM Lead", deleted=True)) + len(
        world.core.records("SELECT Id FROM Lead", deleted=True)
    )
    assert duckdb.sql(f"select count(*), count(distinct lead_id) from '{leads}'").fetchone() == (in_salesforce,) * 2
    flagged = [one["Id"] for one in world.icare.records("SELECT Id FROM Lead WHERE pi__pardot_hard_bounced__c = true")]
    states = duckdb.execute(f"select distinct mailbox from '{leads}' where list_contains(?, lead_id)", [flagged])
    assert states.fetchall() == [("dead",)]
    assert duckdb.sql(f"select count(*) from '{accounts}' where flags = 'contradictory'").fetchone() > (0,)
    assert duckdb.sql(f"select count(*) from '{members}' where current_lead_id != exported_lead_id").fetchone() > (0,)
    assert duckdb.sql(f"select count(distinct kind) from '{events}'").fetchone() > (5,)
