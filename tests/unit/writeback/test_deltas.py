"""What a proposal is made of."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, RefusedError
from pipelines.privacy.suppression import key_file
from pipelines.publish import PublishedVersion, publish, published_version
from pipelines.store import open_store
from pipelines.writeback import deltas
from pipelines.writeback.apply import push_plan
from pipelines.writeback.deltas import read_proposal
from tests.fixtures.erased_identity import remember_erased
from tests.fixtures.planned import planned
from tests.fixtures.published_marts import publish_example

PROJECT = Path(__file__).parents[3]
LEAD = "00QIc0aaaaaaaaAMAQ"


def test_deltas_and_build_id_are_those_of_one_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = publish_example(tmp_path, "20260901T070000000000Z")

    def before_the_next(of: Settings) -> PublishedVersion:
        version = published_version(of)
        propose(of, LEAD)
        publish(of, "20260901T080000000000Z")
        return version

    monkeypatch.setattr(deltas, "published_version", before_the_next)
    proposal = read_proposal(settings)
    assert (proposal.version.build_id, proposal.deltas) == ("20260901T070000000000Z", [])


@pytest.mark.parametrize(
    ("kind", "value"), [("record", f"icare {LEAD[:15]}"), ("email", "ann@lead.example")], ids=["salesforce", "hubspot"]
)
def test_what_is_proposed_of_people_who_were_erased_since_is_held_back(tmp_path: Path, kind: str, value: str) -> None:
    settings = publish_example(tmp_path, "20260901T070000000000Z")
    settings.project_dir = PROJECT
    for record_id in (LEAD, "Ann@lead.example", "00QIc0aaaaaaaaaMAA"):
        propose(settings, record_id)
    publish(settings, "20260901T080000000000Z")
    before, plan = read_proposal(settings), planned(settings)
    remember_erased(settings, kind, value)
    after = read_proposal(settings)
    assert len(before.deltas) - len(after.deltas) == 1
    assert "00QIc0aaaaaaaaaMAA" in {delta.record_id for delta in after.deltas}
    assert after.blocked == before.blocked | {("Lead", "external_hard_bounced__c", "the person was erased"): 1}
    with pytest.raises(RefusedError, match="somebody who was erased"):
        push_plan(settings, open_store(settings), {}, kept=plan)
    key_file(settings).unlink()
    with pytest.raises(ConfigurationError, match="key"):
        read_proposal(settings)


def propose(settings: Settings, record_id: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute(
            "insert into marts.fct_writeback_deltas (delta_id, org, object, record_id, field, after_value) values"
            " ($id || '|bounced', 'icare', 'Lead', $id, 'external_hard_bounced__c', 'true')",
            {"id": record_id},
        )
