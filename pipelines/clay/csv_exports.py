"""Taking the dropped CSV exports: each content once, each file put away once its rows are in the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass

from pipelines.clay.csv_files import read_content, rows_of
from pipelines.clay.drop_folder import DropFolder, DroppedFile
from pipelines.errors import DataError
from pipelines.raw_tables import Row

Note = Callable[[str], None]


@dataclass(frozen=True)
class _Read:
    """A file that was read, its content's hash if that was possible, and why it cannot be used."""

    file: DroppedFile
    sha256: str | None
    problem: DataError | None = None


class CsvExports:
    """The files of one load."""

    def __init__(self, folder: DropFolder) -> None:
        self._folder = folder
        self._read: list[_Read] = []

    def rows(self, loaded: MutableMapping[str, str], note: Note) -> Iterator[Sequence[Row]]:
        """The rows of each complete file whose content is new; ``loaded`` holds the known ones by hash, and grows."""
        files, unfinished = self._folder.complete_files()
        for path in unfinished:
            note(f"{path} is still being written: it is left for the next load.")
        for file in files:
            try:
                content, sha256 = read_content(file.path)
            except DataError as problem:
                self._read.append(_Read(file, None, problem))
                continue
            if not file.is_unchanged:
                note(f"{file.path} changed while it was read: it is left for the next load.")
            elif sha256 in loaded:
                note(f"{file.path} was loaded before, as {loaded[sha256]}: none of its rows is loaded again.")
                self._read.append(_Read(file, sha256))
            else:
                yield from self._new_rows(file, content, sha256, loaded)

    def put_away(self) -> list[DataError]:
        """Archive what was loaded and quarantine what cannot be used; returns the problems with files."""
        problems = []
        for read in self._read:
            if read.problem is not None:
                problems.append(read.problem)
            try:
                self._put_away(read)
            except OSError as error:
                problems.append(
                    DataError(
                        f"{read.file.path} cannot be put away: {error.strerror}.",
                        next_step="Let the loader write into its folder. No row is loaded twice.",
                    )
                )
        return problems

    def _new_rows(
        self, file: DroppedFile, content: bytes, sha256: str, loaded: MutableMapping[str, str]
    ) -> Iterator[Sequence[Row]]:
        try:
            rows = rows_of(file.path, content, sha256)
        except DataError as problem:
            self._read.append(_Read(file, sha256, problem))
            return
        self._read.append(_Read(file, sha256))
        yield rows
        loaded[sha256] = file.path.name

    def _put_away(self, read: _Read) -> None:
        if read.sha256 is None:
            return
        if read.problem is None:
            self._folder.archive(read.file, read.sha256)
        else:
            self._folder.quarantine(read.file, read.sha256, read.problem.message)
