"""The order of writing."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.lanes import batches, by_record, lanes
from pipelines.writeback.plan import Change

ALLOWLIST = read_allowlist(Path())
FIELDS = {
    "CampaignMember": ["Has_Replied__c", "ReplyClassification__c", "Status"],
    "Lead": ["external_hard_bounced__c", "Industry"],
}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    object_name = draw(st.sampled_from(sorted(FIELDS)))
    record_id, field = draw(st.sampled_from("abcdef")), draw(st.sampled_from(FIELDS[object_name]))
    org = draw(st.sampled_from(["icare", "core"]))
    campaign = {"CampaignMember": "ABABAB"["abcdef".index(record_id)]}.get(object_name)
    key = f"{org}|{object_name}|{record_id}|{field}"
    return Change(key, org, object_name, record_id, field, None, "true", "", "", "", campaign, None)


plans = st.lists(changes(), max_size=25, unique_by=lambda change: change.change_id)


@given(plans)
def test_every_change_is_in_one_lane_and_every_record_too(plan: list[Change]) -> None:
    made = lanes(plan, ALLOWLIST)
    written = [change for lane in made for change in lane.changes]
    assert sorted(change.change_id for change in written) == sorted(change.change_id for change in plan)
    records = [{(one.org, one.object, one.record_id) for one in lane.changes} for lane in made]
    assert sum(len(one) for one in records) == len(set().union(*records))


@given(plans)
def test_a_lane_is_of_one_org_and_object_and_unguarded_only_if_nothing_but_true_can_be_written(plan) -> None:
    for lane in lanes(plan, ALLOWLIST):
        assert {(one.org, one.object) for one in lane.changes} == {(lane.org, lane.object)}
        if not lane.is_guarded:
            assert {one.field for one in lane.changes} <= {"Has_Replied__c", "external_hard_bounced__c"}


@given(plans)
def test_members_of_a_campaign_stand_together(plan: list[Change]) -> None:
    for lane in lanes(plan, ALLOWLIST):
        campaigns = [one.campaign_id or "" for one in lane.changes]
        assert campaigns == sorted(campaigns)


@given(plans, st.integers(1, 5))
def test_a_batch_has_whole_records_and_no_more_of_them_than_allowed(plan: list[Change], size: int) -> None:
    records = by_record(plan, lambda change: change)
    parts = list(batches(records, size))
    assert [change for part in parts for change in part] == [change for record in records for change in record]
    assert all(len(by_record(part, lambda change: change)) <= size for part in parts)
    assert len(parts) == -(-len(records) // size)
