"""What the receiver tells Prometheus. No label carries an id, an address or anything else that a sender makes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30)
EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """Counts of one receiver."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": "outreach_receiver", "registry": registry}
        in_seconds: dict[str, Any] = {"buckets": SECONDS, "unit": "seconds", **common}
        self._requests = Counter("requests", "Requests answered, by HTTP status", ["source", "status"], **common)
        self._events = Counter("events", "Events stored, known already, or marked", ["source", "outcome"], **common)
        self._seconds = Histogram("request", "From the headers to the answer", ["source"], **in_seconds)
        self._commit_seconds = Histogram("commit", "Duration of a transaction", **in_seconds)
        self._commit_events = Histogram("commit_events", "Events of a transaction", buckets=EVENTS, **common)
        self._waiting = Gauge("waiting_events", "Events that are not stored yet", **common)
        self._held = Gauge("held_bytes", "Bytes of bodies in memory", **common)

    def watch(self, waiting: Callable[[], float], held_bytes: Callable[[], float]) -> None:
        """Say how to find out how many events wait to be stored, and how many bytes of bodies are in memory."""
        self._waiting.set_function(waiting)
        self._held.set_function(held_bytes)

    def answered(self, source: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(source, str(status)).inc()
        self._seconds.labels(source).observe(seconds)

    def stored(self, source: str, outcome: str) -> None:
        """Count an event: ``stored``, ``duplicate``, ``marked``, or ``not_kept`` (of somebody who was erased)."""
        self._events.labels(source, outcome).inc()

    def committed(self, events: int, seconds: float) -> None:
        """Count a transaction."""
        self._commit_events.observe(events)
        self._commit_seconds.observe(seconds)

    def text(self) -> bytes:
        """All counts in Prometheus' text format."""
        return generate_latest(self._registry)
