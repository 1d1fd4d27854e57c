"""Leads that come in later: many at once are the same people as one after the other."""

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from sandbox.world.clock import WORLD_START
from sandbox.world.leads import add_new_leads
from sandbox.world.people import add_people
from sandbox.world.plan import Plan
from sandbox.world.population import generate

LEADS, COUNT = 100, 4
LATER = WORLD_START + timedelta(hours=3)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return generate(tmp_path, leads=LEADS, seed=2, today=WORLD_START)


def _add(database: Path, batches: list[int]) -> list[tuple]:
    plan = Plan.of(LEADS, 2, LATER)
    with duckdb.connect(str(database)) as connection:
        number, person = plan.leads["core"] + 1, 100_000
        for count in batches:
            add_people(connection, plan, "core", person, count)
            add_new_leads(connection, plan, "core", number, person, count)
            number, person = number + count, person + count
        return connection.execute(
            """select "Id", "Email", "LastName", "Company", "OwnerId", "IsConverted", "IsDeleted", "HasOptedOutOfEmail"
            from core."Lead" where "CreatedDate" = ?""",
            [LATER.replace(tzinfo=None)],
        ).fetchall()


def test_many_at_once_are_the_same_as_one_after_the_other(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    shutil.copy(database, copy)
    at_once = _add(database, [COUNT])
    assert at_once == _add(copy, [1] * COUNT)
    assert len({record_id for record_id, *_ in at_once}) == COUNT
    assert not any(flag for row in at_once for flag in row[-3:])
