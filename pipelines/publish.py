"""Publishing: versioned, read-only copies of the marts, and a pointer that moves only after a build has passed.

Readers open the file that the pointer names. A file is never changed or renamed over: a process that has it open
would go on reading the old content, even through a second connection.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.built_marts import Source, marts_of_warehouse, note_published, tables_not_of
from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError, StoreError
from pipelines.warehouse import connect_read_only, exclusive

POINTER = "current.json"
KEPT_VERSIONS = 5
WAIT_SECONDS = 600.0  # for another build that is publishing there


@dataclass(frozen=True)
class PublishedVersion:
    """One published build: its id, its file, when it was built (UTC) and up to when its data reach (UTC)."""

    build_id: str
    file: Path
    built_at: datetime
    as_of_at: datetime


def new_build_id() -> str:
    """An id for the build that begins now; ids sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def publish(
    settings: Settings, build_id: str, marts: Source | None = None, *, onto_last: bool = False
) -> PublishedVersion:
    """Copy the marts of a build, by default those of the warehouse, into a new version and move the pointer to it.

    Killed at any point, the pointer still names a whole version. Builds of several engines or warehouses come one
    after the other, and never one that began earlier after one that began later. The caller has seen the build and
    its tests pass, and lets nobody change its marts. The tables of the warehouse get a note that they are published,
    which :func:`require_published` looks for.

    Args:
        settings: where to publish.
        build_id: names the build; it begins with the time at which the build began.
        marts: where they are.
        onto_last: the new version begins as a copy of the last one, if there is one; what is not brought stays.

    Raises:
        DataError: there are no marts, or not by their contracts.
        LockedError: another process is publishing there.
        RefusedError: a build that began later is in force.
        StoreError: the directory is full or cannot be written.
    """
    directory = settings.published_dir
    with exclusive(settings.data_dir / "publish.lock", f"publish {build_id}", wait_seconds=WAIT_SECONDS):
        _refuse_older(settings, build_id)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            last = published_version(settings).file if onto_last and (directory / POINTER).exists() else None
            version = _copy_marts(directory, build_id, marts or marts_of_warehouse(settings.warehouse_path), last)
            _move_pointer(directory, version)
        except (OSError, duckdb.IOException) as error:
            raise StoreError(
                f"Cannot publish to {directory}: {error}.", next_step="Check free space and permissions."
            ) from None
        _remove_old_versions(directory, keep=version.file)
        if settings.target == "duckdb" and settings.warehouse_path.exists():
            with suppress(duckdb.IOException):  # somebody reads the file: then no selection is built until it is noted
                note_published(settings.warehouse_path, build_id)
        return version


def published_version(settings: Settings) -> PublishedVersion:
    """The version that the pointer names.

    Raises:
        DataError: nothing has been published yet, or the pointer or its file cannot be used.
    """
    pointer = settings.published_dir / POINTER
    try:
        content = json.loads(pointer.read_text())
        version = PublishedVersion(
            build_id=content["build_id"],
            file=settings.published_dir / content["file"],
            built_at=datetime.fromisoformat(content["built_at"]),
            as_of_at=datetime.fromisoformat(content["as_of_at"]),
        )
    except FileNotFoundError:
        raise DataError(
            "No marts have been published yet.",
            next_step="Run outreach build. A new installation begins with outreach run full.",
        ) from None
    except (KeyError, ValueError, TypeError):
        raise DataError(f"{pointer} is not a valid pointer.", next_step="Run outreach build to replace it.") from None
    if not version.file.exists():
        raise DataError(f"{version.file} is missing.", next_step="Run outreach build to publish it again.")
    return version


def require_published(settings: Settings) -> None:
    """Refuse to build a selection on what was not published: nobody has tested it, and the selection's tests will not.

    The caller holds the warehouse lock.

    Raises:
        DataError: nothing has been published yet.
        RefusedError: the warehouse holds tables of another build than the one in force, or the target is not DuckDB.
    """
    next_step = "Run outreach build, which builds, tests and publishes everything."
    if settings.target != "duckdb":
        raise RefusedError("A selection is built in the DuckDB file only.", next_step=next_step)
    build_id = published_version(settings).build_id
    if others := tables_not_of(settings.warehouse_path, build_id):
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        raise RefusedError(
            f"No selection can be built: the warehouse's {others[0]}{more} did not come with the published build"
            f" {build_id}. A build failed or was cut off, or somebody ran dbt build.",
            next_step=next_step,
        )


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the published marts for reading; their tables are found without a schema name.

    Raises:
        DataError: nothing has been published yet.
    """
    return open_version(published_version(settings))


def open_version(version: PublishedVersion) -> duckdb.DuckDBPyConnection:
    """Like :func:`open_published`, for a version that was in force: what belongs together is read from one.

    Raises:
        DataError: it was removed since.
    """
    return prepare_reader(connect_read_only(version.file))


def prepare_reader(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Let a connection or cursor find the marts without a schema name, and show times in UTC."""
    connection.execute("set schema = 'marts'")
    connection.execute("set TimeZone = 'UTC'")
    return connection


def keep_only_current(settings: Settings) -> int:
    """Remove every version but the one in force, and what is unfinished; returns how many files went.

    Who has one open goes on reading it; its bytes are given back when they close it.
    """
    others = superseded(settings)
    for file in others:
        file.unlink()
    return len(others)


def superseded(settings: Settings) -> list[Path]:
    """Every version but the one in force, and what is unfinished.

    Raises:
        DataError: there are versions, but the pointer or its file cannot be used.
    """
    files = list(settings.published_dir.glob("marts_*"))
    current = published_version(settings).file if files else None
    return [file for file in files if file != current]


def _copy_marts(directory: Path, build_id: str, marts: Source, last: Path | None) -> PublishedVersion:
    for left_over in directory.glob("marts_*.unfinished*"):
        left_over.unlink()
    file = directory / f"marts_{build_id}.duckdb"
    unfinished = file.with_suffix(".unfinished")
    if last:
        shutil.copyfile(last, unfinished)
    with duckdb.connect(str(unfinished)) as connection:
        connection.execute("create schema if not exists marts")
        as_of_at = marts(connection)
    _sync_to_disk(unfinished)
    unfinished.rename(file)
    return PublishedVersion(build_id, file, datetime.now(UTC), as_of_at)


def _refuse_older(settings: Settings, build_id: str) -> None:
    """What is in force may come from another engine or warehouse, which began later and saw more."""
    try:
        current = published_version(settings).build_id
    except DataError:
        return  # there is none, or none that can be used
    if current > build_id:
        raise RefusedError(
            f"Build {build_id} was not published: build {current}, which began later, is in force in"
            f" {settings.published_dir}.",
            next_step="Let one engine publish there; give the other a data directory of its own (OUTREACH_DATA_DIR).",
        )


def _move_pointer(directory: Path, version: PublishedVersion) -> None:
    content = {
        "build_id": version.build_id,
        "file": version.file.name,
        "built_at": version.built_at.isoformat(timespec="seconds"),
        "as_of_at": version.as_of_at.isoformat(timespec="seconds"),
    }
    unfinished = directory / f"{POINTER}.unfinished"
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    _sync_to_disk(unfinished)
    unfinished.replace(directory / POINTER)
    _sync_to_disk(directory)


def _remove_old_versions(directory: Path, *, keep: Path) -> None:
    versions = sorted(directory.glob("marts_*.duckdb"), key=lambda file: file.stat().st_mtime)
    for file in versions[:-KEPT_VERSIONS]:
        if file != keep:
            file.unlink()


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
