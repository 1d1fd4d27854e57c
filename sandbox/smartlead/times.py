"""Times as Smartlead writes them. The state holds them as ``2026-09-01T08:00:00+00:00``, so that text order is time."""

from __future__ import annotations

from datetime import UTC, datetime


def rest_time(stored: str | None) -> str | None:
    """As REST shows it: milliseconds and Z."""
    return None if stored is None else stored.replace("+00:00", ".000Z")


def webhook_time(stored: str, digits: int = 3) -> str:
    """As most webhooks show it: a fraction of varying length and an offset."""
    return stored.replace("+00:00", f".{'0' * digits}+00:00")


def stored_time(parameter: str) -> str:
    """A query parameter (a date or an instant) as the state holds times.

    Raises:
        ValueError: it is neither.
    """
    moment = datetime.fromisoformat(parameter.replace("Z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds")
