"""What many teams write first: every lead as simple-salesforce gives it, into dlt with its defaults."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import dlt
from simple_salesforce import Salesforce


def leads(token: str) -> Iterator[dict[str, Any]]:
    """All leads with all fields, page by page."""
    org = Salesforce(instance="icare.my.salesforce.com", session_id=token, version="62.0")
    fields = ", ".join(field["name"] for field in org.Lead.describe()["fields"])
    for record in org.query_all_iter(f"SELECT {fields} FROM Lead", include_deleted=True):
        record.pop("attributes")
        yield record


def main(token: str, database: str) -> None:
    """Load them."""
    pipeline = dlt.pipeline("loop", destination=dlt.destinations.duckdb(database), dataset_name="loop")
    pipeline.run(leads(token), table_name="lead")


if __name__ == "__main__" and "--help" not in sys.argv:
    main(*sys.argv[1:])
