"""The cache and the budget of Clay's lookups, by the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.clay.lookups.asked import Asked, ErasedPersonError, Lookup
from pipelines.config import Settings
from pipelines.config.services import ClayLookups
from pipelines.errors import QuotaError
from pipelines.privacy.suppression import key_id_of, keyed_hash, make_key
from pipelines.store import open_store, reading, writing
from pipelines.store_tables import clay_lookups, erased_identities, erasures

ANN, ACME = Lookup("person", "ann@acme.example"), Lookup("company", "acme.example")
EVENING = datetime(2026, 9, 30, 23, 50, tzinfo=UTC)


class Diary:
    """A store and a clock that a test sets."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(data_dir=directory, project_dir=Path(__file__).parents[3])
        self.engine = open_store(self.settings)
        self.now = EVENING

    def asked(self, **settings: Any) -> Asked:
        return Asked(self.engine, ClayLookups(api_key="k", **{"credit_budget": 10} | settings), now=lambda: self.now)

    def answer(self, lookup: Lookup, status: str, credits: int | None = None) -> None:
        asked = self.asked()
        asked.settle(
            asked.intend(lookup), lookup.key, status, {"person": None}, credits=credits, http_status=200, at=self.now
        )

    def erase_ann(self) -> None:
        key = make_key(self.settings)
        erasure = {"erasure_id": "e", "requested_by": "dora", "requested_at": self.now, "counts": "{}"}
        with writing(self.engine) as connection:
            connection.execute(erasures.insert().values(erasure | {"key_id": key_id_of(key)}))
            hashed = {"keyed_hash": keyed_hash(key, "email", ANN.key), "kind": "email", "erasure_id": "e"}
            connection.execute(erased_identities.insert().values(hashed))


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path)


def test_hits_and_misses_are_known_for_as_long_as_the_cache_lives(diary: Diary) -> None:
    diary.answer(ANN, "found")
    diary.answer(ACME, "missed")
    diary.asked().intend(Lookup("person", "lost@acme.example"))
    asked = diary.asked(cache_days=30)
    diary.now += timedelta(days=30)
    assert asked.answered() == {("person", ANN.key), ("company", ACME.key)}
    diary.now += timedelta(seconds=1)
    assert asked.answered() == set()


@pytest.mark.parametrize(("period", "spent_later"), [("month", [3, 0, 0]), ("day", [3, 0, 0])])
def test_a_period_ends_at_midnight_utc(diary: Diary, period: str, spent_later: list[int]) -> None:
    diary.answer(ANN, "found", credits=3)
    asked = diary.asked(budget_period=period)
    spent = []
    for minutes in (5, 5, 60):
        diary.now += timedelta(minutes=minutes)
        spent.append(asked.budget().spent)
    assert spent == spent_later


def test_a_month_counts_all_its_days(diary: Diary) -> None:
    diary.now = datetime(2026, 9, 1, tzinfo=UTC)
    diary.answer(ANN, "missed")
    diary.now = EVENING
    assert (diary.asked().budget().spent, diary.asked(budget_period="day").budget().spent) == (1, 0)


def test_the_budget_is_never_exceeded_by_what_a_lookup_is_known_to_cost(diary: Diary) -> None:
    diary.answer(ACME, "found", credits=4)
    asked = diary.asked(credit_budget=7)
    with pytest.raises(QuotaError, match="4 of 7 credits of this month"):
        asked.intend(ACME)
    for _ in range(3):
        asked.intend(ANN)  # whose price is that of the settings
    with pytest.raises(QuotaError):
        asked.intend(ANN)


def test_erased_people_are_not_asked_for_and_a_late_answer_about_them_is_not_kept(diary: Diary) -> None:
    asked = diary.asked()
    lookup_id = asked.intend(ANN)
    diary.erase_ann()
    with writing(diary.engine) as connection:  # what an erasure does to the request that is under way
        connection.execute(clay_lookups.update().values(lookup_key="erased 1"))
    about_ann = {"person": {"email": ANN.key}}
    asked.settle(lookup_id, ANN.key, "found", about_ann, credits=2, http_status=200, at=diary.now)
    asked.settle(asked.intend(ACME), ACME.key, "found", about_ann, credits=1, http_status=200, at=diary.now)
    with reading(diary.engine) as connection:
        kept = connection.execute(sa.select(clay_lookups.c.credits, clay_lookups.c.answer)).all()
    assert kept == [(2, None), (1, '{"person": {"email": "[erased]"}}')]
    with pytest.raises(ErasedPersonError):
        asked.intend(ANN)
