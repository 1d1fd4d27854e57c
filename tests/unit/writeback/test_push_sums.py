"""Whatever Salesforce answers, every planned change ends in exactly one outcome, and the outcome is true."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.errors import DataError, OutreachError, QuotaError, RefusedError
from pipelines.salesforce.ids import to_18
from pipelines.salesforce.orgs import FieldNames
from pipelines.store import open_store
from pipelines.updates import BusyError, LostAnswerError, RowResult
from pipelines.writeback import ledger
from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.brake import Brake, StopOrder
from pipelines.writeback.current import OrgReader
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Change, Plan, Rules
from pipelines.writeback.policy import Outcome
from pipelines.writeback.push import Pusher

ALLOWLIST = read_allowlist(Path())
FIELDS = {"Has_Replied__c": "true", "ReplyClassification__c": "Positive"}
NOW = datetime(2026, 9, 1, 7, tzinfo=UTC)
FATES = ["applied", "locked", "invalid", "deleted"]
WEATHER = [
    "fine",
    "fine",
    "lost after",
    "lost before",
    "applied late",
    "busy",
    "refused",
    "no calls left",
    "session refused",
]


class FakeOrg:
    """Enough of a client for a push: its records, and what happens to each request."""

    user_id = "005Ic0aaaaaaaaAIAQ"
    organization_id = "00DIc0aaaaaaaaAIAQ"

    def __init__(self, records: dict[str, dict[str, Any]], fates: list[str], weather: list[str]) -> None:
        self.records = records
        self.before = {record_id: dict(record) for record_id, record in records.items()}
        self.fates = dict(zip(records, cycle(fates), strict=False))
        self.weather = iter(weather)
        self.late: list[dict[str, Any]] = []
        self.quota = self

    def check_reserve(self) -> None:
        """There are always calls left; ``no calls left`` is said by an answer."""

    def describe(self, _: str) -> dict[str, Any]:
        return {name: {"name": name, "updateable": True, "type": "text"} for name in ("Id", *FIELDS)}

    def retrieve(self, _: str, ids: list[str], fields: list[str]) -> list[dict[str, Any] | None]:
        return [
            {name: record.get(name) for name in fields} if (record := self.records.get(one)) else None for one in ids
        ]

    def query(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def update(self, _: str, records: list[dict[str, Any]]) -> list[RowResult]:
        for record in self.late:
            self._write(record)
        self.late = []
        match next(self.weather, "fine"):
            case "applied late":
                self.late = records
                raise LostAnswerError("lost")
            case "lost before":
                raise LostAnswerError("lost")
            case "busy":
                raise BusyError("busy", wait_seconds=0)
            case "no calls left":
                raise QuotaError("no calls left")
            case "session refused":
                raise OutreachError("refused")
            case "refused":
                raise DataError("not accepted")
            case "lost after":
                for record in records:
                    self._write(record)
                raise LostAnswerError("lost")
        return [self._write(record) for record in records]

    def _write(self, record: dict[str, Any]) -> RowResult:
        fate = self.fates[record["id"]]
        if fate == "locked":
            self.fates[record["id"]] = "applied"
            return RowResult(False, "UNABLE_TO_LOCK_ROW", "busy")
        if fate != "applied":
            code = {"invalid": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "deleted": "ENTITY_IS_DELETED"}[fate]
            return RowResult(False, code, "no")
        self.records[record["id"]].update({name: value for name, value in record.items() if name != "id"})
        return RowResult(True)


def change(record_id: str, field: str, before: Any) -> Change:
    key = f"icare|CampaignMember|{record_id}|{field}"
    rule = ALLOWLIST.rules["CampaignMember", field]
    return Change(
        key, "icare", "CampaignMember", record_id, field, before, FIELDS[field], rule.policy, "why", "proof", None, None
    )


def push(engine: sa.Engine, org: FakeOrg, changes: list[Change], limits: Push, order: StopOrder) -> PushResult:
    pusher = Pusher(
        engine,
        Rules(ALLOWLIST, [], date(2026, 9, 1)),
        {"icare": OrgReader(org, FieldNames("icare", {}))},
        Brake(limits, order),
        limits=limits,
        clock=lambda: NOW,
        sleep=lambda _: None,
    )
    plan = Plan(
        "build", ALLOWLIST.hash, {}, "2026-09-01T06:00:00Z", "2026-09-02T06:00:00Z", "Ann", None, {}, changes, []
    )
    return pusher.push(plan)


member = st.fixed_dictionaries(
    {
        "Has_Replied__c": st.booleans(),
        "ReplyClassification__c": st.sampled_from([None, "Neutral", "Positive"]),
        "is_there": st.sampled_from([True, True, True, False]),
        "fields": st.sets(st.sampled_from(sorted(FIELDS)), min_size=1),
        "before": st.sampled_from([None, "Neutral"]),
    }
)


def blank(field: str) -> dict[str, Any]:
    """A member whose field is still to be written."""
    return dict.fromkeys(FIELDS) | {"is_there": True, "fields": {field}, "before": None}


LATE = {"fates": ["applied"], "canary": 0, "is_stopped": False}


@example(members=[blank("Has_Replied__c")], weather=["applied late", "busy", "busy"], **LATE)
@example(members=[blank("ReplyClassification__c")], weather=["applied late", "busy"], **LATE)
@example(members=[blank("Has_Replied__c")] * 2, weather=["refused", "applied late", "no calls left"], **LATE)
@settings(max_examples=60)
@given(
    members=st.lists(member, min_size=1, max_size=12),
    fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=6),
    weather=st.lists(st.sampled_from(WEATHER), max_size=8),
    canary=st.integers(0, 3),
    is_stopped=st.booleans(),
)
def test_planned_is_the_sum_of_the_outcomes(tmp_path_factory, members, fates, weather, canary, is_stopped) -> None:
    ids = [to_18(f"00vIc0aaaaaa{number:03d}") for number in range(len(members))]
    present = {
        one: {"Id": one, **{f: m[f] for f in FIELDS}} for one, m in zip(ids, members, strict=True) if m["is_there"]
    }
    org = FakeOrg(present, fates, weather)
    changes = [
        change(one, field, m["before"] if field == "ReplyClassification__c" else False)
        for one, m in zip(ids, members, strict=True)
        for field in sorted(m["fields"])
    ]
    directory = tmp_path_factory.mktemp("push")
    engine = open_store(Settings(data_dir=directory))
    limits = Push(canary_records=canary, attempts=3, failures_at_least=4)
    order = StopOrder(directory / "stop")
    if is_stopped:
        order.give("Ann")
    result = push(engine, org, changes, limits, order)

    assert sum(result.counts().values()) == len(changes)
    assert ledger.open_intents(engine) == []
    ledger.verify(engine)
    for one, outcome, _ in result.outcomes.values():
        shown = org.records.get(one.record_id, {}).get(one.field)
        wanted = True if one.after == "true" else one.after
        if outcome is Outcome.APPLIED:
            assert shown == wanted
        elif outcome is not Outcome.UNKNOWN:
            assert shown == org.before.get(one.record_id, {}).get(one.field)


def test_while_a_request_is_under_way_the_ledger_takes_the_next_batch_which_waits_for_its_turn(tmp_path: Path) -> None:
    engine, seen = open_store(Settings(data_dir=tmp_path)), list[int]()

    class SlowOrg(FakeOrg):
        def update(self, object_name: str, records: list[dict[str, Any]]) -> list[RowResult]:
            latest = time.monotonic() + 10
            while len(intents := ledger.open_intents(engine)) < 3 and not seen and time.monotonic() < latest:
                time.sleep(0.01)
            seen.append(len(intents))
            return super().update(object_name, records)

    ids = [to_18(f"00vIc0aaaaaa{number:03d}") for number in range(3)]
    org = SlowOrg({one: {"Id": one, "Has_Replied__c": False} for one in ids}, ["applied"], [])
    changes = [replace(change(one, "Has_Replied__c", False), campaign_id=one) for one in ids]
    limits = Push(canary_records=0, records_per_update=1, requests_at_once=1)
    assert push(engine, org, changes, limits, StopOrder(tmp_path / "stop")).count(Outcome.APPLIED) == 3
    assert seen[0] == 3


def test_a_guarded_field_is_read_again_before_each_part_of_a_refused_request(tmp_path: Path) -> None:
    class OrgWithPeople(FakeOrg):
        def update(self, object_name: str, records: list[dict[str, Any]]) -> list[RowResult]:
            if len(records) == 2:
                self.records[ids[1]]["ReplyClassification__c"] = "Neutral"  # by somebody, while the request is refused
                raise DataError("not accepted")
            return super().update(object_name, records)

    ids = [to_18(f"00vIc0aaaaaa{number:03d}") for number in range(2)]
    org = OrgWithPeople({one: {"Id": one, "ReplyClassification__c": None} for one in ids}, ["applied"], [])
    changes = [change(one, "ReplyClassification__c", None) for one in ids]
    result = push(
        open_store(Settings(data_dir=tmp_path)), org, changes, Push(canary_records=0), StopOrder(tmp_path / "stop")
    )
    assert [outcome for _, outcome, _ in result.outcomes.values()] == [Outcome.APPLIED, Outcome.CHANGED_SINCE_PLAN]
    assert org.records[ids[1]]["ReplyClassification__c"] == "Neutral"


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_where_the_canary_is_rejected_the_next_records_are_the_canary(tmp_path: Path, field: str) -> None:
    class OrgWithFlow(FakeOrg):
        """A flow writes to another field of each record that is updated."""

        def _write(self, record: dict[str, Any]) -> RowResult:
            answer = super()._write(record)
            other = next(name for name in FIELDS if name != field)
            self.records[record["id"]][other] = "by a flow" if answer.success else None
            return answer

    ids = [to_18(f"00vIc0aaaaaa{number:03d}") for number in range(6)]
    org = OrgWithFlow({one: {"Id": one} for one in ids}, ["invalid", "invalid", *["applied"] * 4], [])
    limits = Push(canary_records=2, records_per_update=2)
    changes = [change(one, field, None) for one in ids]
    result = push(open_store(Settings(data_dir=tmp_path)), org, changes, limits, StopOrder(tmp_path / "stop"))
    assert isinstance(result.stopped_by, RefusedError)
    assert [outcome for _, outcome, _ in result.outcomes.values()] == [
        *[Outcome.REJECTED] * 2,
        *[Outcome.APPLIED] * 2,
        *[Outcome.WITHHELD] * 2,
    ]
