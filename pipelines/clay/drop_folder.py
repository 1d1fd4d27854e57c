"""The folder that CSV exports from Clay are dropped into: which files are complete, and where they go afterwards.

A file counts as complete once nothing about it has changed for a while. What was loaded moves to ``archive``, what
cannot be used to ``quarantine`` with the reason beside it; both names carry the content's hash, so nothing is lost
when two files have one name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "clay_exports"
ARCHIVE, QUARANTINE = "archive", "quarantine"
SETTLED_AFTER_SECONDS = 5.0
LONGEST_STEM = 100


@dataclass(frozen=True)
class DroppedFile:
    """A file of the folder, and what shows that it is still the one that was looked at."""

    path: Path
    fingerprint: tuple[int, ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether it is still there as it was."""
        return _fingerprint(self.path) == self.fingerprint


class DropFolder:
    """The folder of one data directory."""

    def __init__(self, data_dir: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._folder = data_dir / FOLDER
        self._sleep = sleep

    def complete_files(self) -> tuple[list[DroppedFile], list[Path]]:
        """The complete CSV files by name, and those that are still being written.

        Files that changed just now are looked at a second time, so a call takes up to five seconds.
        """
        now = time.time()
        seen = [DroppedFile(path, found) for path in self._csv_files() if (found := _fingerprint(path))]
        ages = [now - _changed_at(file) for file in seen]
        youngest = min(ages, default=SETTLED_AFTER_SECONDS)
        if youngest < SETTLED_AFTER_SECONDS:
            self._sleep(SETTLED_AFTER_SECONDS - max(youngest, 0.0))
        complete = [file for file in seen if file.is_unchanged]
        return complete, [file.path for file in seen if file not in complete]

    def archive(self, file: DroppedFile, sha256: str) -> None:
        """Put a loaded file away. One that was replaced meanwhile stays: it is another file.

        Raises:
            OSError: it cannot be moved.
        """
        self._move(file, sha256, ARCHIVE)

    def quarantine(self, file: DroppedFile, sha256: str, reason: str) -> None:
        """Put an unusable file aside, with the reason in a text file beside it.

        Raises:
            OSError: it cannot be moved.
        """
        target = self._move(file, sha256, QUARANTINE)
        if target is not None:
            target.with_suffix(".reason.txt").write_text(f"{reason}\n", encoding="utf-8")

    def _move(self, file: DroppedFile, sha256: str, subfolder: str) -> Path | None:
        if not file.is_unchanged:
            return None
        target = self._folder / subfolder / f"{file.path.stem[:LONGEST_STEM]}.{sha256[:12]}.csv"
        target.parent.mkdir(exist_ok=True)
        return file.path.replace(target)

    def _csv_files(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*") if path.suffix.lower() == ".csv")


def _fingerprint(path: Path) -> tuple[int, ...]:
    """What changes with every write; empty when the file is gone."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _changed_at(file: DroppedFile) -> float:
    """When it last changed, in seconds; the change time, because a copy may keep the times of its original."""
    return file.fingerprint[2] / 1e9
