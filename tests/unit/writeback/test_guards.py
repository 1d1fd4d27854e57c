"""The guards: what about a plan needs a person's consent (R1)."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ConfigurationError
from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.guards import GUARDS_FILE, Guard, Kind, cadence_fields, objections, read_guards
from pipelines.writeback.plan import Change, Plan

PROJECT = Path(__file__).parents[3]
BOUNCED, INDUSTRY = ("Lead", "external_hard_bounced__c"), ("Lead", "Industry")
GUARD = Guard("Lead", "external_hard_bounced__c", "bounces", 200, 0.05, 100, "CRM Admin")
WRITTEN = {("icare", *BOUNCED), ("core", *BOUNCED), ("icare", *INDUSTRY)}


def plan(
    count: int, *, records: int = 1_000_000, field: tuple[str, str] = BOUNCED, orgs: Iterable[str] = ("icare",)
) -> Plan:
    changes = [
        Change(f"{org}|{n}", org, field[0], f"{n}", field[1], None, "true", "to_true_only", "", "", None, None)
        for org in orgs
        for n in range(count)
    ]
    counts = {f"{org} {field[0]}": records for org in orgs}
    return Plan("build", "hash", {}, "", "", "ada", None, counts, changes, [])


def kinds(made: Plan, *, guard: Guard = GUARD, written: set[tuple[str, str, str]] = WRITTEN) -> list[Kind]:
    return [one.kind for one in objections(made, read_allowlist(PROJECT), {BOUNCED: guard, INDUSTRY: guard}, written)]


def test_a_usual_push_passes() -> None:
    assert kinds(plan(200)) == []


def test_one_record_more_than_the_limit_needs_consent() -> None:
    assert kinds(plan(201)) == [Kind.TOO_MANY]


def test_each_org_has_the_limit_for_itself() -> None:
    assert kinds(plan(200, orgs=["core", "icare"])) == []


def test_a_share_counts_from_a_number_of_records_on() -> None:
    assert kinds(plan(99, records=100)) == []
    assert kinds(plan(100, records=2_000)) == []
    assert kinds(plan(100, records=1_999)) == [Kind.TOO_LARGE_A_SHARE]


def test_an_org_whose_size_is_not_known_passes_no_share() -> None:
    assert kinds(plan(100, records=0)) == [Kind.TOO_LARGE_A_SHARE]


def test_the_first_write_of_a_field_of_an_org_needs_consent() -> None:
    assert kinds(plan(1), written={("core", *BOUNCED)}) == [Kind.FIRST_RUN]


def test_a_field_for_which_the_allowlist_demands_four_eyes_needs_consent() -> None:
    assert kinds(plan(1, field=INDUSTRY)) == [Kind.FOUR_EYES]


def test_a_field_without_limits_is_not_written() -> None:
    with pytest.raises(ConfigurationError, match=r"no row for Lead\.external_hard_bounced__c"):
        objections(plan(1), read_allowlist(PROJECT), {}, WRITTEN)


@given(count=st.integers(1, 400), limit=st.integers(0, 400), records=st.integers(0, 10_000), share=st.floats(0, 1))
def test_what_passes_is_within_both_limits(count: int, limit: int, records: int, share: float) -> None:
    guard = Guard(*BOUNCED, "bounces", limit, share, 0, "CRM Admin")
    passes = kinds(plan(count, records=records), guard=guard) == []
    assert passes == (count <= limit and count <= share * records)


def test_every_writable_field_has_limits_and_a_cadence() -> None:
    writable = {key for key, rule in read_allowlist(PROJECT).rules.items() if rule.is_writable}
    assert set(read_guards(PROJECT)) == writable
    by_cadence = [cadence_fields(PROJECT, cadence) for cadence in ("replies", "bounces", "enrichment", "crm_sync")]
    assert set.union(*by_cadence) == writable
    assert sum(map(len, by_cadence)) == len(writable)


def test_an_unknown_cadence_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no cadence 'weekly'") as caught:
        cadence_fields(PROJECT, "weekly")
    assert "bounces, crm_sync, enrichment, replies" in str(caught.value.next_step)


@pytest.mark.parametrize("limits", ["many,0.1,0", "-1,0.1,0", "5,1.5,0", "5,nan,0"])
def test_a_limit_that_is_none_is_refused_with_its_line(tmp_path: Path, limits: str) -> None:
    (tmp_path / "seeds").mkdir()
    header = "object,field,cadence,max_records,max_share,share_from_records,owner"
    (tmp_path / GUARDS_FILE).write_text(f"{header}\nLead,Industry,enrichment,{limits},DPO\n")
    with pytest.raises(ConfigurationError, match="line 2"):
        read_guards(tmp_path)


def test_taking_back_what_is_set_once_needs_consent() -> None:
    made = plan(1)
    override = replace(made, changes=[replace(made.changes[0], policy="override")])
    assert kinds(override) == [Kind.OVERRIDE]
