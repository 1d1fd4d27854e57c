"""Writing rows as parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(file: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Rows as a parquet file; also with no rows it has its columns."""
    pq.write_table(pa.table({column: [row[column] for row in rows] for column in columns}), file)
