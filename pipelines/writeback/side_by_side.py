"""Batches side by side: so many at once at most, and never two that may wait for the same parent record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.errors import OutreachError, StoreError


@dataclass(frozen=True)
class Task:
    """One batch: the parent records that Salesforce locks for it, and what sends it."""

    parents: frozenset[str]
    send: Callable[[], None]


class Turns:
    """Turns of batches that wait for the service: so many at once, and none any more once one has failed.

    Args:
        at_once: how many.
        check: called at the beginning of each turn; what it raises ends that one.
    """

    def __init__(self, at_once: int, check: Callable[[], None]) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._check = check
        self._failure: Exception | None = None

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and have it.

        Raises:
            OutreachError: of the check, or of the turn that has failed.
        """
        with self._free:
            if self._failure:
                raise self._failure
            self._check()
            try:
                yield
            except Exception as error:
                self._failure = error
                raise


def side_by_side(tasks: Sequence[Task], *, at_once: int, check: Callable[[], None]) -> Iterator[None]:
    """Do all tasks, in their order unless one waits for a parent of another; comes back after each.

    Args:
        tasks: the work; no record may be in two of them.
        at_once: how many may be under way.
        check: called before each task begins; what it raises ends the work.

    Raises:
        StoreError: a task could not record what it did, which goes before all other errors.
        OutreachError: of ``check`` or of a task; no further one was begun, and those under way have ended.
    """
    waiting, errors = list(tasks), list[BaseException]()
    under_way: dict[Future[None], Task] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while True:
            while len(under_way) < at_once and not errors and (task := _next(waiting, under_way.values())):
                try:
                    check()
                except OutreachError as error:
                    errors.append(error)
                else:
                    waiting.remove(task)
                    under_way[pool.submit(task.send)] = task
            if not under_way:
                break
            for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                del under_way[done]
                if failure := done.exception():
                    errors.append(failure)
                yield
    if errors:
        raise min(errors, key=_is_harmless)


def _next(waiting: Sequence[Task], under_way: Iterable[Task]) -> Task | None:
    locked = frozenset[str]().union(*(task.parents for task in under_way))
    return next((task for task in waiting if not task.parents & locked), None)


def _is_harmless(error: BaseException) -> bool:
    """Whether the ledger still tells the truth; the first error of those where it may not is raised."""
    return isinstance(error, OutreachError) and not isinstance(error, StoreError)
