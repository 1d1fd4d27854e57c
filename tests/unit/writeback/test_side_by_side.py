"""Batches side by side: within the limit, never two with a common parent, and an orderly end."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import ServiceError, StoppedError, StoreError
from pipelines.writeback.side_by_side import Task, Turns, ahead, side_by_side


class Road:
    """What is under way at each moment, as the tasks themselves see it."""

    def __init__(self) -> None:
        self.turn, self.now, self.most, self.sent = threading.Lock(), list[frozenset[str]](), 0, list[int]()
        self.has_collided = False

    def send(self, number: int, parents: frozenset[str]) -> None:
        with self.turn:
            self.has_collided |= any(parents & other for other in self.now)
            self.now.append(parents)
            self.most = max(self.most, len(self.now))
        time.sleep(0.001)
        with self.turn:
            self.now.remove(parents)
            self.sent.append(number)


@settings(max_examples=50)
@given(st.lists(st.frozensets(st.sampled_from("ABC"), max_size=2), max_size=12), st.integers(1, 4))
def test_each_is_sent_once_within_the_limit_and_none_meets_another_at_its_parent(parents, at_once) -> None:
    road = Road()
    tasks = [Task(one, partial(road.send, number, one)) for number, one in enumerate(parents)]
    assert sum(1 for _ in side_by_side(tasks, at_once=at_once, check=lambda: None)) == len(tasks)
    assert sorted(road.sent) == list(range(len(tasks)))
    assert road.most <= at_once
    assert not road.has_collided


def test_what_has_nothing_in_common_really_is_under_way_together() -> None:
    together = threading.Barrier(3, timeout=10)
    tasks = [Task(frozenset({name}), lambda: together.wait() and None) for name in "ABC"]
    assert len(list(side_by_side(tasks, at_once=3, check=lambda: None))) == 3


def test_one_that_waits_for_a_parent_lets_others_go_first() -> None:
    road, first = Road(), threading.Event()

    def slow() -> None:
        assert first.wait(10)
        road.send(0, frozenset("A"))

    def quick() -> None:
        road.send(2, frozenset("B"))
        first.set()

    tasks = [Task(frozenset("A"), slow), Task(frozenset("A"), partial(road.send, 1, frozenset("A")))]
    list(side_by_side([*tasks, Task(frozenset("B"), quick)], at_once=2, check=lambda: None))
    assert road.sent == [2, 0, 1]


def test_what_check_raises_ends_the_work_after_what_is_under_way() -> None:
    road, checks = Road(), iter([None, None, StoppedError("stop")])

    def check() -> None:
        if error := next(checks):
            raise error

    tasks = [Task(frozenset(), partial(road.send, number, frozenset())) for number in range(9)]
    with pytest.raises(StoppedError):
        list(side_by_side(tasks, at_once=5, check=check))
    assert sorted(road.sent) == [0, 1]


def test_tasks_are_asked_for_when_there_is_room_and_what_fails_to_come_ends_the_work() -> None:
    road, asked = Road(), list[tuple[int, int]]()

    def coming() -> Iterator[Task]:
        for number in range(5):
            asked.append((number, len(road.sent)))
            yield Task(frozenset(), partial(road.send, number, frozenset()))
        raise ServiceError("reading failed")

    with pytest.raises(ServiceError, match="reading failed"):
        list(side_by_side(coming(), at_once=2, check=lambda: None))
    assert sorted(road.sent) == list(range(5))
    assert all(sent >= number - 1 for number, sent in asked)


def test_work_ahead_comes_in_order_and_is_given_up_when_nobody_asks_any_more() -> None:
    begun, may_end = list[int](), threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        assert number == 0 or may_end.wait(10)
        return number

    with pytest.raises(StoppedError), ahead(work, range(9), at_once=2) as done:
        assert next(done) == 0
        threading.Timer(0.3, may_end.set).start()
        raise StoppedError("stop")
    assert len(begun) <= 3

    with ahead(work, range(9), at_once=2) as done:
        assert list(done) == list(range(9))


@pytest.mark.parametrize("worse", [StoreError("full"), ValueError("a defect")])
def test_such_an_error_of_work_ahead_is_heard_of_though_nobody_asked_for_it(worse: Exception) -> None:
    has_failed = threading.Event()

    def work(number: int) -> int:
        if number == 1:
            has_failed.set()
            raise worse
        return number

    with pytest.raises(type(worse)), ahead(work, range(2), at_once=1) as done:
        assert next(done) == 0
        assert has_failed.wait(10)
        raise ServiceError("down")


@pytest.mark.parametrize("worse", [StoreError("full"), ValueError("a defect")])
def test_an_error_after_which_the_ledger_may_be_wrong_goes_before_others(worse: Exception) -> None:
    together = threading.Barrier(2, timeout=10)

    def fail(error: Exception) -> None:
        together.wait()
        raise error

    road = Road()
    tasks = [Task(frozenset(), partial(fail, error)) for error in (ServiceError("down"), worse)]
    with pytest.raises(type(worse)):
        list(
            side_by_side([*tasks, Task(frozenset(), partial(road.send, 3, frozenset()))], at_once=2, check=lambda: None)
        )
    assert road.sent == []


def test_a_turn_that_fails_is_the_last_and_others_hear_of_the_same_failure() -> None:
    turns, checks = Turns(1, lambda: checks.append(1)), list[int]()
    with turns.take():
        pass
    failure = ServiceError("down")
    with pytest.raises(ServiceError), turns.take():
        raise failure
    with pytest.raises(ServiceError) as again, turns.take():
        pass
    assert again.value is failure
    assert len(checks) == 2


def test_those_in_a_hurry_go_before_those_who_came_earlier() -> None:
    turns, went = Turns(1, lambda: None), list[str]()

    def go(name: str, *, is_in_a_hurry: bool) -> None:
        with turns.take(is_in_a_hurry=is_in_a_hurry):
            went.append(name)

    goers = [
        threading.Thread(target=go, args=(name,), kwargs={"is_in_a_hurry": name.startswith("hurried")})
        for name in ("calm 1", "calm 2", "hurried 1", "hurried 2")
    ]
    with turns.take():
        for goer in goers:
            goer.start()
        time.sleep(0.3)
        assert went == []
    for goer in goers:
        goer.join(10)
    assert sorted(went[:2]) == ["hurried 1", "hurried 2"]
    assert sorted(went[2:]) == ["calm 1", "calm 2"]
