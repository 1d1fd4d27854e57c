"""Days of polls against a service's limits, on a clock of their own: how long each takes, and how old answers get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from croniter import croniter

from pipelines.rate_limit import Limit, RateLimiter

A_MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001  the schedule's own time zone, whichever it is
POLLS = 4
FEWEST_SECONDS_PER_CALL = 0.2  # an answer takes so long even when no limit holds it up


@dataclass(frozen=True)
class Polling:
    """What polling by a schedule comes to.

    Args:
        minutes: how long one poll takes.
        oldest_minutes: how old something may be when the poll that finds it ends.
        keeps_up: whether each poll ends before the next should begin.
    """

    minutes: float
    oldest_minutes: float
    keeps_up: bool


def poll_by(cron: str, calls: int, limits: Sequence[Limit]) -> Polling:
    """Simulate polls of so many calls each, begun by a schedule; one that is due while another runs is left out."""
    clock = _Clock()
    limiter = RateLimiter(limits, clock=lambda: clock.now, sleep=clock.sleep)
    polls: list[tuple[float, float]] = []
    left_out = 0
    for at in croniter(cron, A_MONDAY - timedelta(seconds=1)).all_next(datetime):
        due = (at - A_MONDAY).total_seconds()
        if due < clock.now:
            left_out += 1
            continue
        if len(polls) == POLLS:
            break
        clock.now = due
        for _ in range(calls):
            limiter.wait()
            clock.sleep(FEWEST_SECONDS_PER_CALL)
        polls.append((due, clock.now))
    pairs = zip(polls, islice(polls, 1, None), strict=False)
    return Polling(
        minutes=max(end - begin for begin, end in polls) / 60,
        oldest_minutes=max(end - begin_before for (begin_before, _), (_, end) in pairs) / 60,
        keeps_up=left_out == 0,
    )


class _Clock:
    """A clock that only moves when somebody waits; in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-3)  # less would be lost in rounding after some days, and time stand still
