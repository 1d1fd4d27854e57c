"""What goes wrong with our own machine in the middle of a push: its clock, its disk, its store."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import RefusedError
from pipelines.salesforce.client import SalesforceClient
from pipelines.writeback import ledger
from pipelines.writeback.chain import Entry
from pipelines.writeback.clock import SteadyClock
from pipelines.writeback.policy import Outcome

COUNT = 30  # a canary of 5, then one batch
INTENTS, OUTCOMES = 3, 4  # of that batch: the third and fourth time that the ledger is told something


def before_append(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Let something happen right before the ledger takes intents or outcomes for the given time."""
    append, seen = ledger.append, []

    def appending(engine: sa.Engine, entries: list[Entry]) -> None:
        if entries and entries[0].entry_type in {"intent", "outcome"}:
            seen.append(entries)
            if len(seen) == number:
                act()
        append(engine, entries)

    monkeypatch.setattr(ledger, "append", appending)


@contextmanager
def full_disk(_: Path) -> Iterator[None]:
    """No database grows any more."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("pragma max_page_count = 1")  # it keeps what it has

    sa.event.listen(sa.pool.Pool, "checkout", limit)
    yield
    sa.event.remove(sa.pool.Pool, "checkout", limit)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Another program holds the store's lock."""
    with sqlite3.connect(store, isolation_level=None, check_same_thread=False) as other:
        other.execute("begin immediate")
        yield
    other.close()


@pytest.mark.parametrize("number", [INTENTS, OUTCOMES], ids=["before the request", "after the answer"])
@pytest.mark.parametrize("fault", [full_disk, locked])
def test_a_store_that_takes_nothing_ends_the_push_and_the_next_settles_it(
    settings: Settings, many, outreach, pushed, written, recorded, monkeypatch, fault, number
) -> None:
    monkeypatch.setattr("pipelines.store.BUSY_SECONDS", 0.05)
    leads = many(COUNT)
    weather = fault(settings.data_dir / "operational_store.sqlite")
    with monkeypatch.context() as patch:
        before_append(patch, number, weather.__enter__)
        ended = outreach("push", "--first-run")
    weather.__exit__(None, None, None)
    assert ended.code == 7
    assert ("full" in ended.err) or ("locked" in ended.err)
    assert "then run the command again" in " ".join(ended.err.split())
    assert len(written()) == (5 if number == INTENTS else COUNT)
    assert pushed().settled == (0 if number == INTENTS else COUNT - 5)
    assert sorted(record for record, _, _ in written()) == leads
    assert sum(entry["outcome"] == "applied" for entry in recorded()) == COUNT


def jump(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Set this machine's clock, as all our modules see it; the double keeps its own."""

    class Any_(type):
        def __instancecheck__(cls, one: object) -> bool:
            return isinstance(one, datetime)

    class Jumped(datetime, metaclass=Any_):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + by

    for name, module in sys.modules.items():
        if name.startswith("pipelines") and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Jumped)


@pytest.mark.parametrize("days", [400, -400])
def test_a_clock_that_jumps_moves_no_time_of_the_ledger_and_ends_no_plan(
    many, pushed, recorded, monkeypatch, days
) -> None:
    many(COUNT)
    before_append(monkeypatch, INTENTS, lambda: jump(monkeypatch, timedelta(days=days)))
    result = pushed()
    assert (result.count(Outcome.APPLIED), result.stopped_by) == (COUNT, None)
    times = [entry["recorded_at"] for entry in recorded() if entry["entry_type"] != "approval"]
    assert times == sorted(times)
    assert timedelta() <= times[-1] - times[0] < timedelta(hours=1)


def test_the_ledger_has_salesforces_time(world, many, pushed, recorded) -> None:
    many(1)
    pushed()
    [written_at] = [entry["recorded_at"] for entry in recorded() if entry["outcome"] == "applied"]
    shown = world.icare.records("SELECT SystemModstamp FROM Lead ORDER BY SystemModstamp DESC LIMIT 1")
    assert abs(datetime.fromisoformat(shown[0]["SystemModstamp"]) - written_at) < timedelta(minutes=5)


def test_a_plan_that_expires_in_mid_run_ends_the_push_between_two_batches(many, pushed, written, monkeypatch) -> None:
    many(COUNT)
    update = SalesforceClient.update

    def slow(self, object_name, records):
        """The canary takes two days."""
        answers = update(self, object_name, records)
        monkeypatch.setattr(SteadyClock, "__call__", lambda clock: clock.asked + timedelta(days=2))
        return answers

    monkeypatch.setattr(SalesforceClient, "update", slow)
    result = pushed()
    assert isinstance(result.stopped_by, RefusedError)
    assert (result.count(Outcome.APPLIED), result.count(Outcome.WITHHELD)) == (5, COUNT - 5)
    assert len(written()) == 5
