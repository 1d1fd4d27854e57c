"""Clay's tables: capacity, deduplication, late rows, and what becomes of ids on the way to Smartlead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.clay.simulation import Simulation, smartlead_lead
from sandbox.clay.state import open_database
from sandbox.clay.tables import SourceFullError, TableOptions, Tables
from sandbox.clay.truth import export_truth
from sandbox.database import Database
from sandbox.world.clock import WORLD_START
from sandbox.world.nature import Disposition, disposition

SEED = 7
TABLE = "t_icare_3"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def member(number: int, email: str | None = None) -> dict[str, Any]:
    return {
        "org": "icare",
        "CampaignMemberId": f"00vIc0aaaaa{number:04d}QAA",
        "LeadId": f"00QIc0aaaaa{number:04d}QAA",
        "email": email or f"person{number}@company{number}.example",
        "company": "Acme",
    }


def rows(database: Database, table: str = TABLE) -> list[dict[str, Any]]:
    return database.rows("select * from rows where table_id = ? order by row_number", [table])


def test_of_rows_with_the_same_key_the_oldest_stays_unless_the_table_says_otherwise(database: Database) -> None:
    tables = Tables(database, SEED, TableOptions(auto_dedupe={"t_icare_4": False}))
    for table in (TABLE, "t_icare_4"):
        tables.submit(table, member(1), WORLD_START)
        tables.submit(table, member(1, "other@company.example"), WORLD_START)
    assert [row["email"] for row in rows(database)] == ["person1@company1.example"]
    assert len(rows(database, "t_icare_4")) == len({row["row_id"] for row in rows(database, "t_icare_4")}) == 2


def test_a_full_table_is_silent_and_a_used_up_source_is_not(database: Database) -> None:
    tables = Tables(database, SEED, TableOptions(rows_per_table=2, submissions_per_source=4))
    for number in range(4):
        tables.submit(TABLE, member(number), WORLD_START)
    assert len(rows(database)) == 2
    database.execute("delete from rows")  # deleted rows count for the source as well
    with pytest.raises(SourceFullError):
        tables.submit(TABLE, member(5), WORLD_START)


def test_most_rows_are_done_at_once_and_some_one_to_three_days_later(database: Database) -> None:
    tables, simulation = Tables(database, SEED), Simulation(database, SEED)
    for number in range(200):
        tables.add(TABLE, str(number), member(number), WORLD_START)
    done = []
    for days in range(4):
        now = WORLD_START + timedelta(days=days)
        simulation.enrich_due_rows(now.date(), now)
        done.append(sum(row["status"] == "done" for row in rows(database)))
    assert 160 < done[0] < done[1] < done[3] == 200
    assert database.value("select count(*) from callbacks") == 200


def test_ids_are_kept_cut_lost_or_mangled_and_the_truth_knows(database: Database, tmp_path: Path) -> None:
    tables, simulation = Tables(database, SEED), Simulation(database, SEED)
    for number in range(600):
        tables.add(TABLE, str(number), member(number), WORLD_START)
    simulation.enrich_due_rows((WORLD_START + timedelta(days=3)).date(), WORLD_START)
    seen: Counter[str] = Counter()
    for row in rows(database):
        truth, given = member(row["row_number"] - 1), smartlead_lead(row)["custom_fields"]
        expected = {
            "kept": truth["LeadId"],
            "cut": truth["LeadId"][:15],
            "mangled": truth["LeadId"].upper(),
            "lost": None,
        }[row["ids_fate"]]
        assert given.get("LeadId") == expected
        assert given["org"] == "icare"
        seen[row["ids_fate"]] += 1
    assert seen["kept"] > 500
    assert min(seen[fate] for fate in ("cut", "mangled", "lost")) > 2
    export_truth(database, tmp_path)
    known = duckdb.sql(f"select ids_fate, count(*) from '{tmp_path}/clay_rows.parquet' group by all").fetchall()
    assert dict(known) == seen


def test_a_later_push_of_the_same_address_overwrites_the_ids_in_smartlead(database: Database, tmp_path: Path) -> None:
    tables, simulation = Tables(database, SEED), Simulation(database, SEED)
    for table in (TABLE, "t_icare_4"):
        tables.add(table, table, member(1, "same@company.example"), WORLD_START - timedelta(days=4))
    simulation.enrich_due_rows(WORLD_START.date(), WORLD_START)
    for days, table in enumerate((TABLE, "t_icare_4")):
        for batch in simulation.unpushed(table, 100):
            simulation.mark_pushed(batch, WORLD_START + timedelta(days=days))
    export_truth(database, tmp_path)
    known = duckdb.sql(f"select table_id, ids_fate from '{tmp_path}/clay_rows.parquet'").fetchall()
    assert dict(known)[TABLE] == "overwritten"
    assert dict(known)["t_icare_4"] != "overwritten"


def test_replies_are_classified_mostly_right_and_corrected_a_day_later(database: Database, tmp_path: Path) -> None:
    tables, simulation = Tables(database, SEED), Simulation(database, SEED)
    people = [f"someone{number}@firm.example" for number in range(2_000)]
    answering = [email for email in people if disposition(SEED, email).classification][:150]
    for number, email in enumerate(answering):
        tables.add(TABLE, str(number), member(number, email), WORLD_START)
        tables.submit("t_replies", reply(number, email, "Kein Interesse."), WORLD_START)
    simulation.classify_replies(WORLD_START)
    wrong = {row["row_id"] for row in database.rows("select row_id from corrections")}
    assert 3 < len(wrong) < 30
    simulation.classify_replies(WORLD_START + timedelta(days=1))
    assert database.value("select count(*) from callbacks") == 150
    simulation.classify_replies(WORLD_START + timedelta(days=2))
    assert database.value("select count(*) from callbacks") == 150 + len(wrong)
    export_truth(database, tmp_path)
    last = duckdb.sql(
        f"select email, arg_max(classification, given_at) from '{tmp_path}/clay_classifications.parquet' group by all"
    ).fetchall()
    assert dict(last) == {email: disposition(SEED, email).classification for email in answering}


def test_nobody_is_called_back_for_an_absence_notice(database: Database) -> None:
    tables, simulation = Tables(database, SEED), Simulation(database, SEED)
    people = [f"someone{number}@firm.example" for number in range(200)]
    answering = next(email for email in people if disposition(SEED, email) is Disposition.POSITIVE)
    absent = next(email for email in people if disposition(SEED, email) is Disposition.AUTO_REPLY)
    tables.submit("t_replies", reply(1, answering, "I'm on annual leave until the 14th."), WORLD_START)
    tables.submit("t_replies", reply(2, absent, "Anything"), WORLD_START)
    simulation.classify_replies(WORLD_START)
    assert database.value("select count(*) from callbacks") == 0
    assert {row["status"] for row in rows(database, "t_replies")} == {"skipped"}


def reply(number: int, email: str, text: str) -> dict[str, Any]:
    message = {"message_id": f"<{number}>", "text": text, "time": "2026-09-01T05:00:00.000+00:00"}
    return {"campaign_id": 2710103, "sl_lead_email": email, "reply_message": message}
