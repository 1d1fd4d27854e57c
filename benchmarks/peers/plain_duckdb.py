"""The least that a load through Bulk can be: one job, its pages into files, the files read by DuckDB into a table."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import httpx

RECORDS_PER_PAGE = 250_000


def main(url: str, token: str, fields: str, database: str) -> None:
    """Print the seconds of the job and of everything."""
    started_at = time.monotonic()
    with (
        httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=300) as client,
        tempfile.TemporaryDirectory() as name,
    ):
        jobs = f"{url}/services/data/v62.0/jobs/query"
        created = client.post(jobs, json={"operation": "queryAll", "query": f"SELECT {fields} FROM Lead"})
        job = f"{jobs}/{created.raise_for_status().json()['id']}"
        while client.get(job).json()["state"] != "JobComplete":
            time.sleep(0.2)
        ready_at = time.monotonic()
        files: list[str] = []
        locator: str | None = None
        while locator != "null":
            params = {"maxRecords": str(RECORDS_PER_PAGE)} | ({"locator": locator} if locator else {})
            file = Path(name) / f"{len(files)}.csv"
            with client.stream("GET", f"{job}/results", params=params) as page, file.open("wb") as content:
                for block in page.raise_for_status().iter_bytes(1 << 20):
                    content.write(block)
                locator = page.headers["sforce-locator"]
            files.append(str(file))
        with duckdb.connect(database) as connection:
            connection.execute("create table leads as select * from read_csv(?, header = true)", [files])
        client.delete(job)
    print(json.dumps({"job": ready_at - started_at, "all": time.monotonic() - started_at}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
