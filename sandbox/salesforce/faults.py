"""Planned faults: what goes wrong, for which requests, how many times. Tests of the pipeline set them over HTTP."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What can go wrong."""

    STATUS = "status"  # answer with a status and error code, without doing anything
    EXPIRE_TOKEN = "expire_token"  # noqa: S105  end all sessions before the request is looked at
    HANG = "hang"  # say nothing for "seconds", then close the connection
    DROP_CONNECTION = "drop_connection"  # close the connection, without doing anything
    MALFORMED_PAGE = "malformed_page"  # answer 200 with half of the body
    BODY_CUT = "body_cut"  # send half of the body, then close the connection
    RESPONSE_LOST = "response_lost"  # do everything, then close the connection
    LOCK_ROW = "lock_row"  # refuse rows of an update as locked by somebody else; "times" counts rows
    SLOW_JOB = "slow_job"  # a bulk job stays in progress while its state is asked for "polls" times
    FAIL_JOB = "fail_job"  # the same, and then it fails
    ABORT_JOB = "abort_job"  # the same, and then somebody aborts it


JOB_KINDS = frozenset({Kind.SLOW_JOB, Kind.FAIL_JOB, Kind.ABORT_JOB})
REQUEST_KINDS = frozenset(Kind) - JOB_KINDS - {Kind.LOCK_ROW}


@dataclass
class Fault:
    """One plan: it waits for ``after`` matching requests, then strikes ``times`` times.

    With a ``rate`` below 1 it strikes only that share of the requests, chosen by ``seed``.
    """

    kind: Kind
    path: str = ""
    times: int = 1
    after: int = 0
    org: str | None = None
    status: int = 503
    error_code: str = "SERVER_UNAVAILABLE"
    message: str = "The server is temporarily unavailable."
    polls: int = 2
    seconds: float = 60
    rate: float = 1
    seed: int = 0
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def matches(self, org: str, request: str) -> bool:
        """Whether the plan is about this request (method, path and query)."""
        return self.times > 0 and self.org in {None, org} and re.search(self.path, request) is not None

    def is_due(self) -> bool:
        """Whether a request that it is about meets it; counts the request."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.rate < 1 and self._dice.random() >= self.rate:
            return False
        self.times -= 1
        return True


class FaultPlan:
    """The faults of a running service; without any, nothing goes wrong."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, description: dict[str, Any]) -> Fault:
        """Add a plan.

        Raises:
            ValueError: the kind is unknown, or the path is not a regular expression.
            TypeError: the description has an unknown key.
        """
        fault = Fault(**{**description, "kind": Kind(description.get("kind", ""))})
        try:
            re.compile(fault.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from None
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all plans."""
        with self._lock:
            self._faults.clear()

    def strike(self, org: str, request: str) -> Fault | None:
        """The fault that this request meets, if any; it counts as used."""
        return self._strike(org, request, REQUEST_KINDS)

    def strike_job(self, org: str, request: str) -> Fault | None:
        """The fault that the bulk job meets which this request creates, if any; it counts as used."""
        return self._strike(org, request, JOB_KINDS)

    def rows_to_lock(self, org: str, request: str) -> int:
        """How many rows of this request would be refused as locked."""
        with self._lock:
            return sum(one.times for one in self._faults if one.kind is Kind.LOCK_ROW and one.matches(org, request))

    def note_locked(self, org: str, request: str, rows: int) -> None:
        """Count rows that were refused as locked."""
        with self._lock:
            for fault in self._faults:
                if fault.kind is Kind.LOCK_ROW and fault.matches(org, request):
                    used = min(rows, fault.times)
                    fault.times -= used
                    rows -= used

    def _strike(self, org: str, request: str, kinds: frozenset[Kind]) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and fault.matches(org, request) and fault.is_due():
                    return fault
        return None
