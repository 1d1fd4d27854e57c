"""Erasing somebody: from every store, in an order in which a kill at any point leaves nothing that a second run misses.

First the hashes by which they are recognised, so that nothing new of them arrives or leaves. Then what the person must
still be known for: operational store, files, raw tables and their parquet. After that, whatever is left can be made
without knowing who it was: the models and published marts are built anew, older versions removed, both databases
written anew without free space. Nobody pushes while the published marts still show the person.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pipelines.campaign_map import read_campaign_map
from pipelines.config import Settings
from pipelines.errors import StoreError
from pipelines.landing import finish_and_clear
from pipelines.privacy import by_hand, duckdb_rows, files, store_rows
from pipelines.privacy.mentions import Mentions
from pipelines.privacy.person import Person
from pipelines.privacy.suppression import key_id_of, keyed_hash, make_key
from pipelines.publish import keep_only_current, published_version
from pipelines.raw_parquet import land_parquet
from pipelines.store import insert_new, open_store, reading, writing
from pipelines.store_locks import lock_inbox
from pipelines.store_tables import erased_identities, erasures
from pipelines.warehouse import warehouse_lock
from pipelines.writeback.apply import push_lock

PURPOSE = "forget"


@dataclass(frozen=True)
class Report:
    """What is held about somebody, or was: rows by place, and what only a person can do. No address is in it."""

    counts: dict[str, int]
    by_hand: list[by_hand.Task]
    addresses: int
    erasure_id: str | None = None


def preview(settings: Settings, person: Person) -> Report:
    """What an erasure would find; nothing is changed.

    Raises:
        LockedError: another process is writing the warehouse.
    """
    mentions = Mentions(person, read_campaign_map(settings.project_dir))
    in_warehouse = duckdb_rows.rows_in(settings.warehouse_path, person, mentions)
    in_store = store_rows.rows_in(open_store(settings), person, mentions)
    counts = Counter(f"warehouse {one.place}" for one in in_warehouse)
    counts.update(f"published {one.place}" for one in _published(settings, person, mentions))
    counts.update(f"store {one.place}" for one in in_store if one.has_texts)
    for file, rows in files.files_about(settings, mentions):
        counts[f"files {file.parent.relative_to(settings.data_dir).as_posix()}"] += rows
    return Report(dict(counts), by_hand.tasks(settings, person, in_warehouse, in_store), len(person.addresses))


def erase(settings: Settings, person: Person, *, by: str, rebuild: Callable[[], object], wait_seconds: float) -> Report:
    """Erase somebody for good. Run again after whatever went wrong, it goes on.

    Args:
        settings: where everything is.
        person: who.
        by: who erases them; it is recorded.
        rebuild: builds all models from the beginning and publishes them.
        wait_seconds: how long to wait for a push, and for another writer of the warehouse.

    Raises:
        RefusedError: a write to one of their records is open.
        BuildError: the models cannot be built; their rows are gone, but not yet from models and published marts.
        LockedError: another process kept pushing, or kept the warehouse.
        StoreError: a store cannot be written, or something was still found at the end.
    """
    engine = open_store(settings)
    mentions = Mentions(person, read_campaign_map(settings.project_dir))
    # The warehouse is waited for under this lock, never the other way round: nobody holds the warehouse to push.
    with push_lock(settings, engine, PURPOSE, wait_seconds=wait_seconds):
        store_rows.refuse_open_intents(engine, person)
        found = preview(settings, person)
        erasure_id = _begin(settings, engine, person, mentions, found, by)
        if erasure_id is None:
            return found
        store_rows.erase_rows(engine, person, mentions, by=by, erasure_id=erasure_id)
        files.erase_files(settings, mentions)
        with warehouse_lock(settings.warehouse_path, PURPOSE, wait_seconds=wait_seconds):
            _erase_raw(settings, person, mentions)
        if _is_published(settings):
            rebuild()
            keep_only_current(settings)
            files.erase_files(settings, mentions)  # a plan may have been made meanwhile, of the marts that are gone
    _check_nothing_is_left(settings, person, mentions)
    with warehouse_lock(settings.warehouse_path, PURPOSE, wait_seconds=wait_seconds):
        duckdb_rows.rewrite(settings.warehouse_path)
    store_rows.forget_free_space(engine)
    return _complete(engine, erasure_id, len(person.addresses))


def _erase_raw(settings: Settings, person: Person, mentions: Mentions) -> None:
    """Take them out of the raw tables, what is on its way there included, and of the parquet of them."""
    if settings.warehouse_path.exists():
        for dataset in sorted(path.name for path in (settings.data_dir / "dlt").glob("raw_*") if path.is_dir()):
            finish_and_clear(settings, dataset)
    duckdb_rows.erase_raw(settings.warehouse_path, person, mentions)
    land_parquet(settings, keep_old=False)


def _begin(
    settings: Settings, engine: Engine, person: Person, mentions: Mentions, found: Report, by: str
) -> str | None:
    """Record an erasure with the hashes of who it is, or go on with one that was cut off; None if all is done."""
    key = make_key(settings)
    hashes = {keyed_hash(key, "email", one): "email" for one in person.addresses}
    hashes |= {keyed_hash(key, "record", f"{org} {one[:15]}"): "record" for org, one in person.records}
    hashes |= {keyed_hash(key, "smartlead", one): "smartlead" for one in person.smartlead}
    with writing(engine) as connection:
        lock_inbox(connection)  # what is being stored is there when we look for it, what comes later knows the hashes
        known = erased_identities.c.keyed_hash.in_(hashes)
        of_them = sa.select(erased_identities.c.erasure_id).where(known)
        unfinished = erasures.c.completed_at.is_(None)
        erasure_id: str | None = connection.scalar(
            sa.select(erasures.c.erasure_id).where(erasures.c.erasure_id.in_(of_them), unfinished)
        )
        if erasure_id is None:
            if not found.counts and connection.scalar(of_them.limit(1)):
                return None
            erasure_id = uuid.uuid4().hex
            sent = by_hand.submitted(store_rows.submissions(connection, person, mentions))  # since we looked, too
            connection.execute(
                erasures.insert().values(
                    erasure_id=erasure_id,
                    requested_by=by,
                    requested_at=datetime.now(UTC),
                    key_id=key_id_of(key),
                    counts=json.dumps(found.counts),
                    by_hand=json.dumps(found.by_hand + [one for one in sent if one not in found.by_hand]),
                )
            )
        rows = [{"keyed_hash": one, "kind": kind, "erasure_id": erasure_id} for one, kind in hashes.items()]
        connection.execute(insert_new(engine, erased_identities), rows)
    return erasure_id


def _complete(engine: Engine, erasure_id: str, addresses: int) -> Report:
    this = erasures.c.erasure_id == erasure_id
    with reading(engine) as connection:
        row = connection.execute(sa.select(erasures).where(this)).mappings().one()
    with writing(engine) as connection:
        connection.execute(erasures.update().where(this).values(completed_at=datetime.now(UTC), by_hand=None))
    tasks: list[by_hand.Task] = json.loads(row["by_hand"] or "[]")
    return Report(json.loads(row["counts"]), tasks, addresses, erasure_id)


def _is_published(settings: Settings) -> bool:
    return any(settings.published_dir.glob("marts_*.duckdb"))


def _published(settings: Settings, person: Person, mentions: Mentions) -> list[Any]:
    if not _is_published(settings):
        return []
    return duckdb_rows.rows_in(published_version(settings).file, person, mentions)


def _check_nothing_is_left(settings: Settings, person: Person, mentions: Mentions) -> None:
    left = [*duckdb_rows.rows_in(settings.warehouse_path, person, mentions), *_published(settings, person, mentions)]
    if left:
        raise StoreError(
            f"{len(left):,} rows about this person are still in {', '.join(sorted({one.place for one in left}))}.",
            next_step="Run the same command again; if they stay, tell those who keep these models.",
        )
