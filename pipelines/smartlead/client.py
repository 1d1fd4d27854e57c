"""Reading Smartlead's REST API: one key, one rate limit, and the envelopes it wraps its lists in.

Envelopes differ between endpoints, and between the documentation of 2026 and what is really sent. The real ones are
read; the documented ones are understood as well. Anything else is an error that names the endpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from datetime import datetime
from typing import Any

from pipelines.config.services import Smartlead
from pipelines.errors import ConfigurationError, DataError
from pipelines.http.answers import service_time
from pipelines.http.service import HttpService
from pipelines.rate_limit import Limit, RateLimiter
from pipelines.raw_tables import Record
from pipelines.smartlead.paging import Page, read_pages


def limits_of(settings: Smartlead) -> list[Limit]:
    """How many requests an account may send, as configured."""
    return [
        Limit(settings.requests_per_hour, 3600.0),
        Limit(settings.requests_per_minute, 60.0),
        Limit(settings.requests_per_two_seconds, 2.0),
    ]


class SmartleadClient:
    """Smartlead's API as one customer. All requests share the rate limit."""

    def __init__(self, settings: Smartlead, *, sleep: Callable[[float], None] = time.sleep) -> None:
        key = settings.api_key.get_secret_value()
        limits = limits_of(settings)
        if min(limit.requests for limit in limits) < 1:
            raise ConfigurationError(
                "Smartlead's request limits must be at least 1.",
                next_step="Correct requests_per_hour, requests_per_minute and requests_per_two_seconds.",
            )
        limiter = RateLimiter(limits, sleep=sleep)
        self._service = HttpService(
            "Smartlead",
            settings.base_url,
            params={"api_key": key},
            secrets=[key],
            before_request=limiter.wait,
            sleep=sleep,
        )

    def __enter__(self) -> SmartleadClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._service.close()

    def page(self, path: str, *, names: tuple[str, ...] = ("data",), **params: Any) -> Page:
        """One answer: a bare list, or a list under one of the names.

        Raises:
            DataError: the answer has another shape; names the endpoint.
        """
        response = self._service.read("GET", path, params=params)
        return _page(self._service.json(response), names, service_time(response), f"Smartlead's GET {path}")

    def record(self, path: str) -> tuple[Record, datetime]:
        """One answer that is an object, perhaps under ``data``, and when it was given by Smartlead's clock.

        Raises:
            DataError: the answer has another shape; names the endpoint.
        """
        response = self._service.read("GET", path)
        answer = self._service.json(response)
        inner = answer.get("data") if isinstance(answer, dict) else None
        content = inner if isinstance(inner, dict) else answer
        return Record(content, f"Smartlead's GET {path}"), service_time(response)

    def pages(
        self,
        path: str,
        *,
        limit: int,
        key: Callable[[Any], Hashable],
        names: tuple[str, ...] = ("data",),
        **params: Any,
    ) -> Iterator[Page]:
        """All pages of a list, which may change while it is read; ``key`` is what identifies a record."""

        def read(offset: int) -> Page:
            return self.page(path, names=names, offset=offset, limit=limit, **params)

        return read_pages(read, limit, key, f"Smartlead's GET {path}")


def _page(answer: Any, names: tuple[str, ...], read_at: datetime, where: str) -> Page:
    if isinstance(answer, list):
        return Page(answer, read_at)
    if not isinstance(answer, dict):
        raise _unknown_shape(where, "neither a list nor an object")
    inner = answer.get("data")
    envelope = answer | inner if isinstance(inner, dict) else answer  # the documentation nests one more level
    for name in names:
        if isinstance(envelope.get(name), list):
            return Page(envelope[name], read_at, _total(envelope, where), _has_more(envelope))
    raise _unknown_shape(where, f"an object with {', '.join(sorted(map(str, answer))) or 'nothing in it'}")


def _total(envelope: dict[str, Any], where: str) -> int | None:
    for name in ("total_leads", "total_stats", "total"):
        if envelope.get(name) is not None:
            try:
                return int(envelope[name])
            except (TypeError, ValueError):
                raise _unknown_shape(where, f"an object whose '{name}' is no number") from None
    return None


def _has_more(envelope: dict[str, Any]) -> bool | None:
    value = envelope.get("hasMore", envelope.get("has_more"))
    return value if isinstance(value, bool) else None


def _unknown_shape(where: str, found: str) -> DataError:
    return DataError(
        f"{where} has an unknown shape: {found}.",
        next_step="Nothing of this load was kept. Compare the answer with Smartlead's documentation.",
    )
