"""Clay's public API: reading the rows of a table. It can neither create tables nor insert rows; webhooks do that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.config.services import Clay
from pipelines.errors import ConfigurationError, DataError, ServiceError
from pipelines.http.answers import service_time
from pipelines.http.service import HttpService

PAGE_ROWS = 100
QUERY = "public/v0/tables/query"
FINAL_STATUSES = {"success", "error", "empty"}  # every other one means that the cell is still being worked on


@dataclass(frozen=True)
class TablePage:
    """A page of a table's rows, and when it was read by Clay's clock."""

    rows: list[dict[str, Any]]
    read_at: datetime


class UnknownTableError(DataError):
    """Clay has no table of this id."""


class ClayClient:
    """Clay's public API as one workspace."""

    def __init__(self, settings: Clay, *, sleep: Callable[[float], None] = time.sleep) -> None:
        if settings.api_key is None:
            raise ConfigurationError(
                "No API key is configured for Clay.", next_step="Set OUTREACH_CLAY__API_KEY (an Enterprise feature)."
            )
        key = settings.api_key.get_secret_value()
        self._service = HttpService(
            "Clay", settings.base_url, headers={"clay-api-key": key}, secrets=[key], sleep=sleep
        )

    def __enter__(self) -> ClayClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._service.close()

    def table_rows(self, table_id: str) -> Iterator[TablePage]:
        """All rows of a table. A row that changes meanwhile comes twice: merge on its id.

        Raises:
            UnknownTableError: there is no such table.
            ServiceError: the workspace is out of credits.
            DataError: an answer has an unknown shape, or a cursor comes a second time.
        """
        query = {"tables": [{"id": table_id}], "field_mode": "names"}
        cursor: str | None = None
        cursors: set[str] = set()
        while True:
            body: dict[str, Any] = {"query": query, "limit": PAGE_ROWS, **({"cursor": cursor} if cursor else {})}
            response = self._service.read_any("POST", QUERY, json=body)
            if response.status_code == 402:
                raise ServiceError(
                    f"Clay's workspace is out of credits or actions: table {table_id} was not read to its end.",
                    next_step="Top up the workspace or wait for the next month, then run the command again.",
                )
            if response.status_code == 404:
                raise UnknownTableError(
                    f"Clay has no table {table_id}.", next_step="Correct clay_table_id in seeds/campaign_map.csv."
                )
            answer = self._service.json(self._service.check(response))
            is_page = isinstance(answer, dict) and isinstance(answer.get("data"), list)
            if not is_page or answer.get("cursor") in cursors:  # a cursor that comes again would never end
                raise DataError(
                    f"Clay's POST {QUERY} has an unknown shape for table {table_id}.",
                    next_step="Nothing of this load was kept. Compare the answer with Clay's documentation.",
                )
            yield TablePage(answer["data"], service_time(response))
            cursor = answer.get("cursor")
            if not cursor:
                return
            cursors.add(cursor)


def cell_value(cell: Any) -> Any:
    """The value of a cell, whether it comes bare or with its status."""
    return cell.get("value") if isinstance(cell, dict) and "status" in cell else cell


def cell(content: Any) -> dict[str, Any]:
    """A cell as it lands: its status, one of success, error, empty and pending, and its value or error."""
    if not isinstance(content, dict) or "status" not in content:
        return {"status": "empty" if content is None else "success", "value": content}
    status = content["status"] if content["status"] in FINAL_STATUSES else "pending"
    return {"status": status} | {name: content[name] for name in ("value", "error") if name in content}
