"""``<url>/current.json`` beside the landed raw tables: which folder of each table is in force, and whose they are.

One warehouse lands under one URL. It is known by the id in a file beside it, which stays when the warehouse itself is
loaded anew; that of the first to land stands in the pointer.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, DataError, RefusedError, StoreError
from pipelines.stores_by_url import files_at

POINTER = "current.json"


@dataclass(frozen=True)
class LandedTable:
    """A raw table as it has landed: its folder under the URL, its rows, and what tells whether it has changed since."""

    schema: str
    table: str
    folder: str
    rows: int
    fingerprint: str

    @property
    def key(self) -> tuple[str, str]:
        """Schema and table."""
        return self.schema, self.table

    def is_as(self, other: LandedTable | None) -> bool:
        """Whether the other holds the same rows in the same columns."""
        return other is not None and (self.rows, self.fingerprint) == (other.rows, other.fingerprint)


@dataclass(frozen=True)
class Warehouse:
    """Who lands: the id that tells warehouses apart, and for people the host and the file."""

    id: str
    file: str


def landed_tables(settings: Settings) -> list[LandedTable]:
    """The raw tables that have landed, each with its folder in force; none before the first landing.

    Raises:
        ConfigurationError: no URL is configured, or what reads such a store is not installed.
        DataError: the pointer cannot be used.
        RefusedError: another warehouse lands there.
        StoreError: the URL cannot be read.
    """
    if settings.raw_url is None:
        raise ConfigurationError(
            "Nothing says where the raw tables land as parquet.",
            next_step="Set OUTREACH_RAW_URL to a folder or an object store's URL.",
        )
    with own_errors(settings.raw_url):
        files, root = files_at(settings.raw_url)
        if not files.exists(f"{root}/{POINTER}"):
            return []
        try:
            content = json.loads(files.cat_file(f"{root}/{POINTER}"))
            tables = [LandedTable(**one) for one in content["tables"]]
            owner = Warehouse(**content["owner"]) if "owner" in content else None
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{settings.raw_url}/{POINTER} is not a valid pointer.",
                next_step="Remove it, then run outreach load all: it lands everything anew.",
            ) from None
        if owner and owner.id != _id(settings):
            raise RefusedError(
                f"Another warehouse lands its raw tables in {settings.raw_url}: {owner.file}.",
                next_step="Give this one an OUTREACH_RAW_URL of its own. If the other is no more, remove"
                f" {settings.raw_url}/{POINTER}, then run outreach load all: it lands everything anew.",
            )
        return tables


def move_pointer(settings: Settings, tables: Iterable[LandedTable]) -> None:
    """Put these tables in force, as those of this warehouse.

    Raises:
        RefusedError: another warehouse has landed there in the meantime.
        StoreError: the URL cannot be written.
    """
    landed_tables(settings)
    files, root = files_at(str(settings.raw_url))
    content = {
        "owner": asdict(_this_warehouse(settings)),
        "tables": [asdict(one) for one in sorted(tables, key=lambda one: one.key)],
    }
    files.pipe_file(f"{root}/{POINTER}.unfinished", json.dumps(content, indent=2).encode())
    files.mv(f"{root}/{POINTER}.unfinished", f"{root}/{POINTER}")


@contextmanager
def own_errors(url: str) -> Iterator[None]:
    """What dlt, DuckDB or the file system say, as an error that names the URL."""
    try:
        yield
    except (PipelineStepFailed, duckdb.Error, OSError, ValueError) as error:
        cause: Any = error.exception if isinstance(error, PipelineStepFailed) else error
        raise StoreError(
            f"The raw tables cannot be landed in {url}: {cause}.",
            next_step="Check OUTREACH_RAW_URL, free space and permissions; the next load lands what is missing.",
        ) from error


def _id_file(settings: Settings) -> Path:
    return settings.warehouse_path.with_suffix(".id")


def _id(settings: Settings) -> str | None:
    """The id of this warehouse; None if it has never landed."""
    file = _id_file(settings)
    return file.read_text() if file.exists() else None


def _this_warehouse(settings: Settings) -> Warehouse:
    """This warehouse, which gets its id when it first lands."""
    known = _id(settings)
    if not known:
        known = uuid.uuid4().hex
        _id_file(settings).write_text(known)
    return Warehouse(known, f"{socket.gethostname()}:{settings.warehouse_path.absolute()}")
