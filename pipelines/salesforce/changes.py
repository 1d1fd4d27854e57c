"""What changed when, by Salesforce's own account: the safe end of a window, and the log of deleted records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipelines.errors import ServiceError
from pipelines.salesforce.client import SalesforceClient
from pipelines.salesforce.ids import to_18

LOOK_BACK = timedelta(minutes=30)  # a transaction may run for that long; the answer lists all ids of that time
LONGEST_LOG = timedelta(days=29)  # Salesforce keeps its logs of changes for 30 days


def covered_until(client: SalesforceClient, object_name: str, now: datetime) -> datetime | None:
    """Until when all changes of an object are visible: the start of the oldest transaction that still runs, or now.

    None when Salesforce keeps no log for the object or refuses to read it.
    """
    answer = _log(client, object_name, "updated", now - LOOK_BACK, now)
    return None if answer is None else _time(client, answer.get("latestDateCovered"), object_name)


def deleted_records(
    client: SalesforceClient, object_name: str, since: datetime | None, now: datetime
) -> Iterator[dict[str, Any]]:
    """The deletions since a moment as rows (object_name, Id, deleted_at), those out of the recycle bin included.

    The log goes back 30 days at most; the sweep of all ids sees what is older.
    """
    start = max(since - LOOK_BACK if since else now - LONGEST_LOG, now - LONGEST_LOG)
    answer = _log(client, object_name, "deleted", start, now) or {}
    for record in answer.get("deletedRecords", []):
        deleted_at = _time(client, record["deletedDate"], object_name)
        yield {"object_name": object_name, "Id": to_18(record["id"]), "deleted_at": deleted_at}


def _log(
    client: SalesforceClient, object_name: str, name: str, start: datetime, end: datetime
) -> dict[str, Any] | None:
    params = {"start": start.isoformat(timespec="seconds"), "end": end.isoformat(timespec="seconds")}
    response = client.read_any("GET", f"sobjects/{object_name}/{name}", params=params)
    if not response.is_success:
        return None
    try:
        answer: dict[str, Any] = response.json()
    except ValueError:
        raise _malformed(client, object_name) from None
    return answer


def _time(client: SalesforceClient, text: str | None, object_name: str) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise _malformed(client, object_name) from None


def _malformed(client: SalesforceClient, object_name: str) -> ServiceError:
    return ServiceError(
        f"Salesforce {client.org} sent a malformed log of changes of {object_name}.", next_step="Run the command again."
    )
