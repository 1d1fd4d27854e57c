"""HubSpot as a second destination: the same plan, guards and ledger, against the double of its contacts API."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from rich.progress import Progress

from pipelines.cli.plan import show_plan
from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.config.services import HubSpot as Connection
from pipelines.errors import ApprovalNeededError, OutreachError, QuotaError
from pipelines.hubspot.client import HubSpotClient
from pipelines.publish import PublishedVersion
from pipelines.store import open_store
from pipelines.writeback import explain, ledger, story
from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.apply import push_plan
from pipelines.writeback.connections import readers
from pipelines.writeback.consent import approve, require_consent
from pipelines.writeback.deltas import Delta, Proposal
from pipelines.writeback.journal import PushResult
from pipelines.writeback.ledger_source import DATASET, load_writeback
from pipelines.writeback.plan import Plan
from pipelines.writeback.plan_files import save_plan
from pipelines.writeback.planning import make_plan
from pipelines.writeback.policy import Outcome
from pipelines.writeback.written_contacts import load_written_contacts
from sandbox.hubspot.app import HubSpot, create_app

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
ADA, BOB = "ada@one.example", "bob@two.example"
VALUES = {
    "firstname": "Ada",
    "company": "One",
    "hs_lead_status": "NEW",
    "clay_icp_score": "85",
    "clay_enrichment_date": "2026-09-01",
}


@pytest.fixture
def account() -> HubSpot:
    return HubSpot(token="token")


@pytest.fixture
def settings(serve, account: HubSpot, tmp_path: Path) -> Settings:
    """A project whose allowlist has switched HubSpot on, after the DPO has agreed."""
    shutil.copytree("seeds", tmp_path / "seeds")
    shutil.copy("dbt_project.yml", tmp_path)
    file = tmp_path / "seeds" / "field_allowlist.csv"
    file.write_text(file.read_text().replace(",off,", ",active,"))
    connection = Connection(base_url=serve(create_app(account)), access_token="token")
    return Settings(project_dir=tmp_path, data_dir=tmp_path / "data", hubspot=connection, user="ada")


def deltas(*emails: str, **values: str) -> list[Delta]:
    found = []
    for email in emails:
        for field, value in ({"email": email} | VALUES | values).items():
            key = f"hubspot|contacts|{email}|{field}"
            found.append(
                Delta(key, "hubspot", "contacts", email, field, value, "ICP score 85", "clay table t row 1", None)
            )
    return found


Sync = Callable[..., PushResult]


@pytest.fixture
def plan(settings: Settings) -> Callable[..., Plan]:
    """A function that plans deltas against what HubSpot shows now."""

    def make(*proposed: Delta) -> Plan:
        version = PublishedVersion("build", Path("marts.duckdb"), NOON, NOON)
        with readers(settings, ["hubspot"]) as destinations:
            return make_plan(settings, Proposal(version, list(proposed), {}), destinations)

    return make


@pytest.fixture
def sync(settings: Settings, plan: Callable[..., Plan]) -> Sync:
    """A function that plans, lets a second person approve and pushes; afterwards the ledger is whole and settled."""

    def push(*proposed: Delta, **limits: int) -> PushResult:
        made, engine = plan(*proposed), open_store(settings)
        save_plan(settings, made)
        approve(settings.model_copy(update={"user": "grace"}), engine, made, reason="a test")
        impatient = Push(first_wait_seconds=0.01, longest_wait_seconds=0.02, **limits)
        with readers(settings, ["hubspot"]) as destinations:
            _, result = push_plan(settings, engine, destinations, kept=made, limits=impatient)
        assert sum(result.counts().values()) == len(made.changes)
        assert ledger.open_intents(engine) == []
        ledger.verify(engine)
        return result

    return push


def test_contacts_are_created_by_e_mail_with_the_documents_fields_and_a_second_sync_changes_nothing(
    account, plan, sync
) -> None:
    result = sync(*deltas(ADA, BOB))
    assert result.count(Outcome.APPLIED) == 12
    assert account.contacts[ADA]["properties"] == {"email": ADA} | VALUES
    assert len(account.writes) == 12
    again = plan(*deltas(ADA, BOB))
    assert (again.changes, {one.outcome for one in again.held}) == ([], {Outcome.ALREADY_EQUAL})


def test_what_people_have_filled_stays_and_scores_are_renewed(account, sync) -> None:
    account.contacts[ADA] = {
        "id": "1",
        "properties": {"email": ADA, "firstname": "Augusta", "hs_lead_status": "OPEN", "clay_icp_score": "70"},
    }
    assert sync(*deltas(ADA)).count(Outcome.APPLIED) == 3
    assert {name for _, name, _ in account.writes} == {"company", "clay_icp_score", "clay_enrichment_date"}
    assert account.contacts[ADA]["properties"]["hs_lead_status"] == "OPEN"


def test_a_contact_that_was_deleted_is_not_created_again(account, plan) -> None:
    account.deleted.add(ADA)
    made = plan(*deltas(ADA))
    assert (made.changes, {one.outcome for one in made.held}) == ([], {Outcome.NOT_FOUND})


def test_it_is_off_until_the_allowlist_says_otherwise(settings, account, plan) -> None:
    shutil.copy("seeds/field_allowlist.csv", settings.project_dir / "seeds")
    made = plan(*deltas(ADA))
    assert (made.changes, {one.why for one in made.held}) == ([], {"the field's status is off, not active"})
    assert account.writes == []
    assert Settings().hubspot is None


def test_the_guards_hold_a_first_sync_for_a_second_person(settings, plan) -> None:
    made = plan(*deltas(ADA))
    with pytest.raises(ApprovalNeededError, match="four eyes"):
        require_consent(settings, open_store(settings), made, is_first_run=True)


@pytest.mark.parametrize("answers_in_parts", [True, False], ids=["207", "400"])
def test_a_contact_that_hubspot_refuses_fails_alone(account, sync, answers_in_parts) -> None:
    account.answers_in_parts = answers_in_parts
    people = [f"p{number}@one.example" for number in range(6)]
    bad = deltas("bad@two.example", clay_enrichment_date="soon")
    result = sync(*deltas(*people), *bad, canary_records=0)
    assert (result.count(Outcome.APPLIED), result.count(Outcome.REJECTED)) == (36, 6)
    assert sorted(account.contacts) == people


def test_no_batch_has_more_than_a_hundred_and_each_is_read_right_before(account, plan, settings, sync) -> None:
    people = [f"p{number:03}@one.example" for number in range(205)]
    assert sync(*deltas(*people), canary_records=0).count(Outcome.APPLIED) == 205 * 6
    assert account.requests.count("POST /crm/v3/objects/contacts/batch/upsert") == 3


@pytest.mark.parametrize("fault", [429, 500, "lost"])
def test_a_fault_changes_nothing_in_the_end(account, sync, fault) -> None:
    account.faults.append(fault)
    result = sync(*deltas(ADA))
    assert (result.count(Outcome.APPLIED), result.stopped_by) == (6, None)
    assert len(account.writes) == 6


def test_a_day_without_calls_left_stops_the_push(account, plan, sync, monkeypatch) -> None:
    sent = HubSpotClient.upsert

    def last_call(self, contacts):
        account.daily_calls_left = 0
        return sent(self, contacts)

    monkeypatch.setattr(HubSpotClient, "upsert", last_call)
    result = sync(*deltas(ADA), canary_records=0)
    assert isinstance(result.stopped_by, QuotaError)
    assert (result.count(Outcome.REJECTED), account.writes) == (6, [])


def test_no_address_stands_in_what_stops_a_push(account, sync, monkeypatch) -> None:
    """The canary names the record in its message: of a contact, not by its address (R8)."""
    account.contacts[ADA] = {"id": "1", "properties": {"email": ADA}}
    upsert = HubSpot.upsert

    def with_workflow(self, one):
        done = upsert(self, one)
        self.contacts[ADA]["properties"]["jobtitle"] = "set by a workflow"
        return done

    monkeypatch.setattr(HubSpot, "upsert", with_workflow)
    result = sync(*deltas(ADA))
    assert "jobtitle has changed too" in result.stopped_by.message
    assert "@" not in result.stopped_by.message


def test_a_plan_on_screen_shows_neither_addresses_nor_names(plan, capsys) -> None:
    show_plan(plan(*deltas(ADA)), show_all=True)
    shown = capsys.readouterr().out
    assert "firstname" in shown
    assert "@" not in shown
    assert "Ada" not in shown


def test_a_contact_is_explained_from_its_plan_to_hubspot_without_its_values(settings, sync, monkeypatch) -> None:
    sync(*deltas(ADA))
    monkeypatch.setattr(story, "events", lambda *_: [])
    monkeypatch.setattr(story, "verdicts", lambda *_: [])
    allowlist = read_allowlist(settings.project_dir)
    about = explain.subject(settings, ADA.upper(), "firstname", allowlist)
    steps = explain.past(settings, open_store(settings), about)
    with readers(settings, ["hubspot"]) as destinations:
        steps += explain.now(allowlist, destinations, about, destinations)
    assert [step.step for step in steps] == ["plan", "approval", "push", "intent", "outcome", "now"]
    assert steps[3].text == "(blank) → (a value) (only_if_blank): ICP score 85; clay table t row 1"
    assert steps[-1].text == "HubSpot shows (a value)"


def test_what_was_written_is_read_back_by_a_load_which_brings_the_ledger_even_if_hubspot_is_down(
    settings, account, sync
) -> None:
    def landed(table: str, columns: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
            return warehouse.sql(f"select {columns} from raw_writeback.{table} order by all").fetchall()

    sync(*deltas(ADA, BOB))
    account.contacts[ADA]["properties"]["company"] = "Another"
    account.contacts["never@written.example"] = account.contacts.pop(BOB)
    account.token = "another"
    with pytest.raises(OutreachError, match="HubSpot"):
        load_writeback(settings, Progress(disable=True))
    assert landed("ledger_entries", "count(*)") == [(27,)]
    account.token = "token"
    load_written_contacts(settings, settings.hubspot, DATASET)
    shown = landed("written_contacts", "email, property, shown_value, is_deleted")
    assert len(shown) == 12
    assert [one[2:] for one in shown if one[1] == "company"] == [("Another", False), (None, True)]
