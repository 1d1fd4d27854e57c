"""Clay's answers in every shape that others have written down."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.clay.lookups.answers import credits_of, record_of
from pipelines.errors import DataError

ANN = {"full_name": "Ann", "company": {"name": "Acme"}}
ACME = {"name": "Acme", "employee_count": 51}


@pytest.mark.parametrize("around", ["person", "people", "data", "result", "results"])
@pytest.mark.parametrize("listed", [False, True])
def test_the_record_is_found_inside_of_whatever_is_around_it(around: str, listed: bool) -> None:
    assert record_of("person", {around: [ANN] if listed else ANN, "status": "ok"}) == ANN


def test_wrappers_may_stand_inside_each_other_and_a_persons_company_is_none() -> None:
    assert record_of("person", {"success": True, "data": {"person": ANN}}) == ANN
    assert record_of("company", {"data": [{"company": ACME}]}) == ACME
    assert record_of("company", {**ACME, "company": "Acme"})["employee_count"] == 51
    assert record_of("person", ANN) == ANN


@pytest.mark.parametrize(
    "content",
    [None, {}, [], {"person": None}, {"data": []}, {"data": {"person": {}}}, {"found": False}, {"status": "not_found"}],
)
def test_nothing_is_a_miss(content: Any) -> None:
    assert record_of("person", content) is None


@pytest.mark.parametrize(
    "content", ["Ann", {"id": "job_1", "status": "queued"}, [ANN, ANN], {"people": [ANN, ANN]}, {"text": "<html>"}]
)
def test_a_receipt_or_several_records_are_not_guessed_from(content: Any) -> None:
    with pytest.raises(DataError, match="unknown shape"):
        record_of("person", content)


@pytest.mark.parametrize(
    ("content", "credits"),
    [
        ({"credits_used": 2}, 2),
        ({"meta": {"creditsConsumed": 0.5}}, 1),
        ({"usage": {"credit_cost": 0}}, 0),
        ({"credits_used": True}, None),
        ({"credits_used": -1}, None),
        ({"credits": 99}, None),
        (["no object"], None),
    ],
)
def test_credits_are_those_that_the_answer_names_rounded_up(content: Any, credits: int | None) -> None:
    assert credits_of(content) == credits
