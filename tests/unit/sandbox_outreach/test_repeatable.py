"""The same seed and the same calls give the same world, and what it knows is what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.smartlead.truth import export_truth


def run(account: Any, people: list[str]) -> dict[str, list[dict[str, Any]]]:
    account.add(people[:100])
    account.pass_days(4)
    account.add(people[100:])
    account.pass_days(6)
    return account.everything()


def both_pages(read: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    pages = [read(2710101, {"limit": "100", "offset": offset})["data"] for offset in ("0", "100")]
    assert [len(page) for page in pages] == [100, 50]
    return pages[0] + pages[1]


@pytest.fixture
def people() -> list[str]:
    return [f"person{number}@company{number % 40}.example" for number in range(150)]


def test_ten_days_twice_are_the_same_and_with_another_seed_they_are_not(
    new_account: Callable[..., Any], people: list[str]
) -> None:
    first, second = run(new_account("first"), people), run(new_account("second"), people)
    other = run(new_account("other", seed=8), people)
    assert first == second
    assert first["mails"] != other["mails"]
    assert len(first["mails"]) > 250


def test_the_state_survives_a_restart(new_account: Callable[..., Any], people: list[str]) -> None:
    undisturbed = run(new_account("undisturbed"), people)
    before = new_account("stopped")
    before.add(people[:100])
    before.pass_days(4)
    before.db.close()
    again = new_account("stopped")
    again.add(people[100:])
    again.pass_days(6)
    assert again.everything() == undisturbed


def test_the_truth_is_what_rest_shows(account: Any, people: list[str], tmp_path: Path) -> None:
    run(account, people)
    export_truth(account.db, tmp_path / "truth")
    mails = duckdb.sql(f"select stats_id, email, step, is_bounced = 1 from '{tmp_path}/truth/smartlead_mails.parquet'")
    shown = [
        (row["stats_id"], row["lead_email"], row["sequence_number"], row["is_bounced"]) for row in account.statistics()
    ]
    assert sorted(mails.fetchall()) == sorted(shown)

    truth = duckdb.sql(
        f"select message_id, email, true_kind from '{tmp_path}/truth/smartlead_replies.parquet'"
    ).fetchall()
    histories = both_pages(account.api.leads_statistics)
    shown = {
        (message["message_id"], lead["to"])
        for lead in histories
        for message in lead["history"]
        if message["type"] == "REPLY"
    }
    assert {(message_id, email) for message_id, email, _ in truth} == shown
    assert {kind for *_, kind in truth} == {"human", "automatic", "bounce_notice"}

    changes = f"'{tmp_path}/truth/smartlead_category_changes.parquet'"
    categories = dict(duckdb.sql(f'select email, arg_max(new_id, "at") from {changes} group by email').fetchall())
    roster = both_pages(account.api.leads)
    shown = {row["lead"]["email"]: row["lead_category_id"] for row in roster if row["lead_category_id"]}
    assert shown == categories
