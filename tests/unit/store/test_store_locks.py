"""Locks of the store itself: they hold between machines, and end with their holder."""

from __future__ import annotations

import pytest

from pipelines.config import Settings
from pipelines.errors import LockedError
from pipelines.store import open_store
from pipelines.store_locks import OUTBOX_LOCK, PUSH_LOCK, alone
from pipelines.writeback.apply import push_lock


def test_two_machines_do_not_push_on_one_store(postgres_url: str, tmp_path) -> None:
    one, other = (Settings(data_dir=tmp_path / name, store_url=postgres_url) for name in ("one", "other"))
    one_store, other_store = open_store(one), open_store(other)
    with push_lock(one, one_store):
        with (
            pytest.raises(LockedError, match="'push the ninth'") as caught,
            push_lock(other, other_store, "push the ninth"),
        ):
            pass
        with alone(other_store, OUTBOX_LOCK, "sending"):
            pass
    assert "another machine" in str(caught.value.next_step)
    with push_lock(other, other_store):
        pass


def test_a_lock_is_waited_for_and_free_when_its_holder_has_failed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_store(Settings(store_url=postgres_url))
    holder = alone(engine, PUSH_LOCK, "push")
    holder.__enter__()
    failure = ValueError("the push has failed")
    monkeypatch.setattr("pipelines.store_locks.time.sleep", lambda _: holder.__exit__(ValueError, failure, None))
    with (
        alone(engine, PUSH_LOCK, "push", wait_seconds=30),
        pytest.raises(LockedError),
        alone(engine, PUSH_LOCK, "push"),
    ):
        pass


def test_sqlite_is_of_one_machine_whose_lock_files_do(tmp_path) -> None:
    engine = open_store(Settings(data_dir=tmp_path))
    with alone(engine, PUSH_LOCK, "push"), alone(engine, PUSH_LOCK, "push"):
        pass
