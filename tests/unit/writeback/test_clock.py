"""Salesforce's time during a push."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.writeback.clock import SteadyClock

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the system has no counter that goes on in its sleep")
def test_a_machine_that_sleeps_does_not_stop_the_time_after_which_a_plan_expires(monkeypatch) -> None:
    asleep = 0.0
    counters = {time.CLOCK_MONOTONIC: lambda: 5.0, time.CLOCK_BOOTTIME: lambda: 5.0 + asleep}
    monkeypatch.setattr(time, "clock_gettime", lambda which: counters[which]())
    clock = SteadyClock(NOON)
    asleep = 90_000.0
    assert clock() == NOON + timedelta(hours=25)
