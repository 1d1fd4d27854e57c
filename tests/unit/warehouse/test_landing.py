"""What comes out of a load that fails half-way: the cause, and not a word about the warehouse if that is innocent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pytest

from pipelines.config import Settings
from pipelines.errors import ServiceError, StoreError
from pipelines.landing import land


def failing(error: BaseException) -> Any:
    @dlt.resource(name="rows", primary_key="id", write_disposition="merge")
    def rows() -> Iterator[dict[str, int]]:
        yield {"id": 1}
        raise error

    return rows()


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (ServiceError("no answer"), ServiceError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError("a mistake of ours"), ZeroDivisionError),
        (OSError(28, "No space left on device"), StoreError),
    ],
)
def test_a_resource_that_fails_is_told_by_its_own_error(
    tmp_path: Path, error: BaseException, seen: type[BaseException]
) -> None:
    with pytest.raises(seen):
        land(Settings(data_dir=tmp_path), "raw_test", [failing(error)])


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").mkdir()
    rows = dlt.resource([{"id": 1}], name="rows")
    with pytest.raises(StoreError, match=r"warehouse\.duckdb failed"):
        land(Settings(data_dir=tmp_path), "raw_test", [rows])
