"""Batches side by side: so many at once at most, and never two that may wait for the same parent record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pipelines.errors import OutreachError, StoreError

T = TypeVar("T")
R = TypeVar("R")


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
        self._free = at_once
        self._in_a_hurry = 0
        self._change = threading.Condition()
        self._check = check
        self._failure: Exception | None = None

    @contextmanager
    def take(self, *, is_in_a_hurry: bool = False) -> Iterator[None]:
        """Wait for a turn, and have it; those in a hurry are let go first.

        Raises:
            OutreachError: of the check, or of the turn that has failed.
        """
        self._wait(is_in_a_hurry=is_in_a_hurry)
        try:
            if self._failure:
                raise self._failure
            self._check()
            try:
                yield
            except Exception as error:
                self._failure = error
                raise
        finally:
            with self._change:
                self._free += 1
                self._change.notify_all()

    def _wait(self, *, is_in_a_hurry: bool) -> None:
        with self._change:
            self._in_a_hurry += is_in_a_hurry
            self._change.wait_for(lambda: self._free and (is_in_a_hurry or not self._in_a_hurry))
            self._in_a_hurry -= is_in_a_hurry
            self._free -= 1
            self._change.notify_all()


@contextmanager
def ahead(work: Callable[[T], R], items: Iterable[T], *, at_once: int) -> Iterator[Iterator[R]]:
    """What becomes of each item, in their order, worked on before it is asked for; given up when nobody asks any more.

    Raises:
        StoreError: the work on an item could not record what it did, whether or not anybody asked for that one.
        OutreachError: of the work on an item, or of who asks.
    """
    errors = list[BaseException]()
    with ThreadPoolExecutor(at_once) as pool:
        coming = [pool.submit(work, item) for item in items]
        try:
            yield (one.result() for one in coming)
        except Exception as error:
            errors.append(error)
        finally:
            pool.shutdown(cancel_futures=True)
    errors += [failure for one in coming if not one.cancelled() and (failure := one.exception())]
    if errors:
        raise min(errors, key=_is_harmless)


def side_by_side(tasks: Iterable[Task], *, at_once: int, check: Callable[[], None]) -> Iterator[None]:
    """Do all tasks, in their order unless one waits for a parent of another; comes back after each.

    Args:
        tasks: the work, asked for when there is room for it; no record may be in two of them.
        at_once: how many may be under way.
        check: called before each task begins; what it raises ends the work.

    Raises:
        StoreError: a task could not record what it did, which goes before all other errors.
        OutreachError: of ``check``, of what makes the tasks or of one; no further one was begun, and those under way
            have ended.
    """
    coming, waiting, errors = iter(tasks), list[Task](), list[BaseException]()
    under_way: dict[Future[None], Task] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while True:
            try:
                while len(under_way) < at_once and not errors and (task := _next(waiting, coming, under_way.values())):
                    check()
                    under_way[pool.submit(task.send)] = task
            except OutreachError as error:
                errors.append(error)
            if not under_way:
                break
            for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                del under_way[done]
                if failure := done.exception():
                    errors.append(failure)
                yield
    if errors:
        raise min(errors, key=_is_harmless)


def _next(waiting: list[Task], coming: Iterator[Task], under_way: Iterable[Task]) -> Task | None:
    """The first task that waits for no parent, of those that had to wait and those that come."""
    locked = frozenset[str]().union(*(task.parents for task in under_way))
    for place, task in enumerate(waiting):
        if not task.parents & locked:
            return waiting.pop(place)
    for task in coming:
        if not task.parents & locked:
            return task
        waiting.append(task)
    return None


def _is_harmless(error: BaseException) -> bool:
    """Whether the ledger still tells the truth; the first error of those where it may not is raised."""
    return isinstance(error, OutreachError) and not isinstance(error, StoreError)
