"""Rows of Clay's tables and of CSV exports, and the campaign map."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.campaign_map import read_campaign_map
from pipelines.clay.csv_files import read_content, rows_of
from pipelines.clay.tables import table_row
from pipelines.errors import DataError

HEADER = "CampaignMemberId,LeadId,Industry"


def test_cells_keep_value_and_status_and_what_is_under_way_is_pending() -> None:
    row = table_row(
        "t_icare_1",
        {
            "id": {"status": "success", "value": "r1", "fields": None},
            "updated_at": {"status": "success", "value": "2026-09-02T08:00:00Z", "fields": None},
            "industry": {"status": "success", "value": "Software", "fields": {"raw": 1}},
            "work_email": {"status": "error", "error": "no match"},
            "phone_number": {"status": "empty"},
            "icp_score": {"status": "awaiting_callback"},
        },
    )
    assert (row["row_id"], row["updated_at"]) == ("r1", datetime(2026, 9, 2, 8, 0, tzinfo=UTC))
    assert json.loads(row["cells"]) == {
        "industry": {"status": "success", "value": "Software"},
        "work_email": {"status": "error", "error": "no match"},
        "phone_number": {"status": "empty"},
        "icp_score": {"status": "pending"},
    }


def test_bare_ids_and_nested_cells_are_understood() -> None:
    row = table_row("t", {"row_id": "r1", "updated_at": None, "cells": {"industry": {"status": "empty"}}})
    assert (row["row_id"], json.loads(row["cells"])) == ("r1", {"industry": {"status": "empty"}})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("text", "a record is not an object but a text"),
        ({}, "'id' is missing"),
        ({"id": {"status": "empty"}}, "'id' is missing"),
        ({"id": ["r1"], "updated_at": "2026-09-02T08:00:00Z"}, "'id' is a list, not text"),
    ],
)
def test_a_row_without_id_or_of_another_shape_says_where_it_is_and_goes_by_its_content(
    content: Any, problem: str
) -> None:
    row = table_row("t_icare_1", content, ", page 1, row 7")
    assert row["problem"].startswith(f"Clay's table t_icare_1, page 1, row 7: {problem}")
    assert json.loads(row["cells"]) == content
    assert row["row_id"] == table_row("t_icare_1", content)["row_id"]
    assert row["row_id"] != table_row("t_icare_1", {"id": None, "other": 1})["row_id"]


def test_a_time_that_cannot_be_read_stays_a_cell() -> None:
    row = table_row("t", {"id": "r1", "Updated At": "Oct 3, 2026 5:00 PM"})
    assert (row["row_id"], row["updated_at"], row["problem"]) == ("r1", None, None)
    assert json.loads(row["cells"]) == {"Updated At": {"status": "success", "value": "Oct 3, 2026 5:00 PM"}}
    both = table_row("t", {"id": "r1", "updated_at": "soon", "Updated At": "2026-09-02T08:00:00Z"})
    assert both["updated_at"] == datetime(2026, 9, 2, 8, 0, tzinfo=UTC)


def test_a_bare_value_may_have_a_status_of_its_own() -> None:
    row = table_row("t", {"id": "r1", "answer": {"status": {"code": 5}}})
    assert json.loads(row["cells"]) == {"answer": {"status": "success", "value": {"status": {"code": 5}}}}


def read(path: Path, text: str | bytes) -> list[dict[str, Any]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [dict(row) for row in rows_of(path, *read_content(path))]


def test_a_csv_file_with_everything_that_exports_have(tmp_path: Path) -> None:
    text = '\ufeffCampaignMemberId, LeadId ,Industry,Industry\n00v1,00Q1,"Soft, ""ware""\nline",x\n\n00v2,00Q2,,\n'
    rows = read(tmp_path / "export.CSV", text)
    assert [row["row_number"] for row in rows] == [1, 2]
    assert json.loads(rows[0]["payload"]) == {
        "CampaignMemberId": "00v1",
        "LeadId": "00Q1",
        "Industry": 'Soft, "ware"\nline',
        "Industry (2)": "x",
    }


def test_a_cell_may_be_as_long_as_clay_allows(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "a.csv", f"{HEADER}\n1,2,{'x' * 200_000}\n")
    assert len(row["payload"]) > 200_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("LeadId,Industry\n1,2\n", "has no column CampaignMemberId"),
        ("CampaignMemberId,leadid\n1,2\n", "has no column LeadId"),
        ("", "has no column CampaignMemberId"),
        (f"{HEADER}\n1,2,3\n1,2\n", "has 2 cells in row 2, and 3 columns"),
        (f'{HEADER}\n1,2,"open\n', "is not valid CSV"),
        (f"{HEADER}\n1,2,".encode() + b"\xff\n", "is not UTF-8"),
    ],
)
def test_an_unusable_file_is_named_with_its_problem(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        read(tmp_path / "export.csv", text)
    assert "export.csv" in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv cannot be read"):
        read_content(tmp_path / "folder.csv")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot be read"),
        ("org,campaign_id,campaign_name,clay_table_id\nicare,701,A,t\n", "line 2, has no smartlead_campaign_id"),
        ("org,campaign_id,campaign_name,clay_table_id,smartlead_campaign_id\nicare,,A,t,1\n", "has no campaign_id"),
    ],
)
def test_a_campaign_map_with_gaps_is_refused(tmp_path: Path, text: str | None, problem: str) -> None:
    (tmp_path / "seeds").mkdir()
    if text is not None:
        (tmp_path / "seeds" / "campaign_map.csv").write_text(text)
    with pytest.raises(DataError, match=problem):
        read_campaign_map(tmp_path)
