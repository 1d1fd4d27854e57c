"""Looking up what the published marts say is due: nothing twice within the cache's lifetime, nothing over budget."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

import duckdb
from rich.progress import Progress

from pipelines.clay.lookups.api import LookupApi, Outcome
from pipelines.clay.lookups.asked import Asked, ErasedPersonError, Lookup
from pipelines.config import Settings
from pipelines.errors import DataError, OutreachError
from pipelines.publish import open_published
from pipelines.store import open_store
from pipelines.store_locks import LOOKUPS_LOCK, one_at_a_time

PURPOSE = "load clay-lookups"
UNUSABLE_IN_A_ROW = 3  # then it is not about the keys
MISSES_AT_FIRST = 20  # of a subject of which nothing was ever found: then the address is wrong


@dataclass
class LookupSummary:
    """What is due, what of it was answered before, and what this run has asked, found and spent."""

    due: int
    cached: int
    to_ask: int
    period: str
    asked: int = 0
    found: int = 0
    missed: int = 0
    credits_of_run: int = 0
    credits_spent: int = 0
    credits_left: int = 0
    is_dry_run: bool = False

    def as_dict(self) -> dict[str, object]:
        """For ``--json`` and the run history."""
        return asdict(self)


def look_up(
    settings: Settings,
    progress: Progress,
    *,
    most: int | None = None,
    again: bool = False,
    dry_run: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[LookupSummary, OutreachError | None]:
    """Ask Clay about everybody and every company that is due; return what was done and what ended it early.

    Killed at any moment, it has lost at most the answer to one request, which stays counted.

    Args:
        settings: where Clay, the marts and the store are.
        progress: where it is shown.
        most: how many lookups at most.
        again: ask also for what was answered before.
        dry_run: only count.
        sleep: how to wait; replaced in tests.

    Raises:
        ConfigurationError: no key is configured.
        DataError: nothing was published yet.
        LockedError: another process is looking up.
    """
    clay, lookups = settings.require_clay_lookups()
    engine = open_store(settings)
    with one_at_a_time(engine, settings.data_dir / "clay_lookups.lock", LOOKUPS_LOCK, PURPOSE):
        asked = Asked(engine, lookups)
        due, answered = read_due(settings), set() if again else asked.answered()
        new = [one for one in due if (one.subject, one.key) not in answered]
        before = asked.budget()
        summary = LookupSummary(
            len(due), len(due) - len(new), min(len(new), most or len(new)), before.period, is_dry_run=dry_run
        )
        problem = None
        if not dry_run:
            with closing(LookupApi(clay, lookups, asked, sleep=sleep)) as api:
                problem = _ask_each(api, new[: summary.to_ask], summary, _Doubts(asked.found_subjects()), progress)
        after = asked.budget()
        summary.credits_of_run = after.spent - before.spent
        summary.credits_spent, summary.credits_left = after.spent, after.left
        return summary, problem


def read_due(settings: Settings) -> list[Lookup]:
    """What the published marts want to know, the most urgent first.

    Raises:
        DataError: nothing was published yet, or by an older version.
    """
    with open_published(settings) as marts:
        try:
            rows = marts.execute(
                "select subject, lookup_key, linkedin_url from fct_lookups_due order by priority"
            ).fetchall()
        except duckdb.CatalogException:
            raise DataError(
                "The published marts lack a table that the lookups need.", next_step="Run outreach build."
            ) from None
    return [Lookup(*row) for row in rows]


def _ask_each(
    api: LookupApi, lookups: Sequence[Lookup], summary: LookupSummary, doubts: _Doubts, progress: Progress
) -> OutreachError | None:
    for lookup in progress.track(lookups, description="Looking up in Clay"):
        try:
            outcome = api.ask(lookup)
        except ErasedPersonError:
            continue
        except OutreachError as error:
            return error
        summary.asked += 1
        summary.found += outcome is Outcome.FOUND
        summary.missed += outcome is not Outcome.FOUND
        if problem := doubts.about(lookup.subject, outcome):
            return problem
    return None


class _Doubts:
    """Whether misses are misses, or the sign that Clay is asked in the wrong way."""

    def __init__(self, found_subjects: set[str]) -> None:
        self._found = found_subjects
        self._misses: Counter[str] = Counter()
        self._unusable_in_a_row = 0

    def about(self, subject: str, outcome: Outcome) -> DataError | None:
        """What ends the run after this outcome, if anything does."""
        self._unusable_in_a_row = self._unusable_in_a_row + 1 if outcome is Outcome.UNUSABLE else 0
        if outcome is Outcome.FOUND:
            self._found.add(subject)
        else:
            self._misses[subject] += 1
        if self._unusable_in_a_row == UNUSABLE_IN_A_ROW:
            return _wrongly_asked(f"Clay could not use what it was asked {UNUSABLE_IN_A_ROW} times in a row.")
        if subject not in self._found and self._misses[subject] == MISSES_AT_FIRST:
            return _wrongly_asked(f"Clay knew nothing {MISSES_AT_FIRST} times, and never found a {subject}.")
        return None


def _wrongly_asked(what: str) -> DataError:
    return DataError(
        what,
        next_step="Compare address and body (docs/clay.md) with your Enterprise contract; if they were wrong, correct"
        " [clay.lookups] and run the command with --again.",
    )
