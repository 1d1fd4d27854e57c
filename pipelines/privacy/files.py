"""Somebody's rows in the files beside the stores: CSV exports from Clay, and write-back plans."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from pipelines.clay.drop_folder import ARCHIVE, FOLDER, QUARANTINE
from pipelines.config import Settings
from pipelines.privacy.mentions import Finding, Mentions

Rows = list[list[str]]


def files_about(settings: Settings, mentions: Mentions) -> Iterator[tuple[Path, int]]:
    """Each file that has to do with somebody, and how many of its rows; a plan counts as one."""
    for file in _exports(settings):
        if rows := len(rows_about(file, mentions)):
            yield file, rows
    yield from ((file, 1) for file in _plans(settings) if _mentions(file, mentions))


def erase_files(settings: Settings, mentions: Mentions) -> dict[str, int]:
    """Take somebody out of the files and return how many rows or plans, by folder.

    A plan is sealed, so one with a change of theirs is deleted; the ledger keeps what was done with it. An export that
    is no CSV is deleted too. Every other file is replaced in one step.
    """
    counts: dict[str, int] = {}
    for file, rows in list(files_about(settings, mentions)):
        kept = _without(file, mentions) if file.suffix.lower() == ".csv" else None
        if kept is None:
            file.unlink()
        else:
            unfinished = file.with_name(f"{file.name}.part")
            unfinished.write_text(kept, encoding="utf-8", newline="")
            unfinished.replace(file)
        folder = file.parent.relative_to(settings.data_dir).as_posix()
        counts[folder] = counts.get(folder, 0) + rows
    return counts


def rows_about(file: Path, mentions: Mentions) -> list[dict[str, str]]:
    """The rows of an export that have to do with somebody; all of it as one if it is no CSV."""
    rows = _rows(file)
    found = [{"content": _text(file)}] if rows is None else _named(rows)
    return [row for row in found if mentions.judge(row)]


def _exports(settings: Settings) -> list[Path]:
    folder = settings.data_dir / FOLDER
    folders = (folder, folder / ARCHIVE, folder / QUARANTINE)
    return sorted(file for one in folders for file in one.glob("*") if file.is_file())


def _plans(settings: Settings) -> list[Path]:
    return sorted(settings.plans_dir.glob("*"))


def _mentions(file: Path, mentions: Mentions) -> bool:
    return mentions.judge({"content": _text(file)}) > Finding.NOTHING


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")


def _without(file: Path, mentions: Mentions) -> str | None:
    """The file without their rows; None if it is no CSV."""
    rows = _rows(file)
    if rows is None:
        return None
    kept = io.StringIO(newline="")
    writer = csv.writer(kept)
    writer.writerow(rows[0])
    for cells, row in zip(rows[1:], _named(rows), strict=True):
        if mentions.judge(row) is not Finding.THEIRS:
            writer.writerow([mentions.erased(cell) for cell in cells])
    return kept.getvalue()


def _rows(file: Path) -> Rows | None:
    """Header and rows of equal length; None if it is no such file."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows if rows and len({len(row) for row in rows}) == 1 else None


def _named(rows: Rows) -> list[dict[str, str]]:
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
