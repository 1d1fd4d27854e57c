"""CSV exports in the drop folder: complete or left alone, taken once, archived or quarantined."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.progress import Progress

from pipelines.clay.loader import load_clay
from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.landing import land
from pipelines.writeback.ledger_source import load_writeback

GOOD = "CampaignMemberId,LeadId\n00v1,00Q1\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "campaign_map.csv").write_text(
        "org,campaign_id,campaign_name,clay_table_id,smartlead_campaign_id\nicare,701Ic0AAAAAAAAB,AI,t_icare_1,1\n"
    )
    (tmp_path / "data" / "clay_exports").mkdir(parents=True)
    return Settings(project_dir=tmp_path, data_dir=tmp_path / "data")


def load(settings: Settings, sleep: Callable[[float], None] = lambda _: None) -> int:
    with Progress(disable=True) as progress:
        return load_clay(settings, progress, sleep=sleep)["csv_rows"]


def drop(settings: Settings, name: str, text: str | bytes) -> Path:
    path = settings.data_dir / "clay_exports" / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(settings: Settings, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(f"select {columns} from raw_clay.csv_rows order by all").fetchall()


def files(settings: Settings, subfolder: str = "") -> list[str]:
    folder = settings.data_dir / "clay_exports" / subfolder
    return sorted(path.name for path in folder.glob("*") if path.is_file())


def test_a_file_is_taken_once_and_archived_and_a_copy_of_it_only_archived(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(settings, "export.csv", GOOD)
    assert load(settings) == 1
    assert files(settings) == []
    (archived,) = files(settings, "archive")
    assert archived.startswith("export.")
    drop(settings, "copy.csv", GOOD)
    assert load(settings) == 0
    assert "was loaded before, as export.csv" in capsys.readouterr().out.replace("\n", " ")
    assert (files(settings), len(files(settings, "archive"))) == ([], 2)
    assert rows(settings, "file_name, row_number") == [("export.csv", 1)]


def test_a_new_warehouse_takes_archived_files_anew(settings: Settings) -> None:
    drop(settings, "export.csv", GOOD)
    load(settings)
    settings.warehouse_path.unlink()
    with Progress(disable=True) as progress:
        load_writeback(settings, progress)  # as another source, which makes the warehouse anew
    for file in (settings.data_dir / "clay_exports" / "archive").glob("*.csv"):
        file.rename(settings.data_dir / "clay_exports" / file.name)
    assert load(settings) == 1
    assert (files(settings), len(files(settings, "archive"))) == ([], 1)


def test_a_file_that_still_grows_is_left_alone_until_it_is_complete(settings: Settings) -> None:
    path = drop(settings, "slow.csv", GOOD)

    def the_copy_goes_on(_: float) -> None:
        path.write_text(GOOD + "00v2,")

    assert load(settings, the_copy_goes_on) == 0
    assert files(settings) == ["slow.csv"]
    path.write_text(GOOD + "00v2,00Q2\n")
    os.utime(path, (0, 0))  # a copy that keeps the times of its original looks old
    waits: list[float] = []
    assert load(settings, waits.append) == 2
    assert 1 < sum(waits) <= 5
    assert files(settings) == []


def test_files_of_other_names_are_not_looked_at(settings: Settings) -> None:
    drop(settings, "export.csv.part", GOOD)
    assert load(settings) == 0
    assert files(settings) == ["export.csv.part"]


def test_unusable_files_are_quarantined_with_the_reason_and_the_rest_is_loaded(settings: Settings) -> None:
    drop(settings, "a_bad.csv", "LeadId,Industry\n1,2\n")
    drop(settings, "b_half.csv", "CampaignMemberId,LeadId\n00v1,00Q1\n00v2\n")
    drop(settings, "c_utf16.csv", GOOD.encode("utf-16"))
    drop(settings, "d_good.csv", GOOD)
    with pytest.raises(DataError) as caught:
        load(settings)
    reasons = ("a_bad.csv has no column CampaignMemberId (its columns: LeadId", "b_half.csv has 1", "is not UTF-8")
    assert all(words in str(caught.value) for words in reasons)
    assert rows(settings, "file_name, payload ->> 'LeadId'") == [("d_good.csv", "00Q1")]
    assert files(settings) == []
    folder = settings.data_dir / "clay_exports" / "quarantine"
    assert [path.name[:4] for path in sorted(folder.glob("*.csv"))] == ["a_ba", "b_ha", "c_ut"]
    (reason,) = folder.glob("a_bad*.reason.txt")
    assert "has no column CampaignMemberId" in reason.read_text()
    assert load(settings) == 0, "a quarantined file is reported once"


def test_a_corrected_file_is_loaded(settings: Settings) -> None:
    drop(settings, "export.csv", "CampaignMemberId\n00v1\n")
    with pytest.raises(DataError):
        load(settings)
    drop(settings, "export.csv", GOOD)
    assert load(settings) == 1


def test_formulas_odd_characters_and_repeated_rows_stay_data(settings: Settings) -> None:
    formula = """"=cmd|'/C calc'!A0",00Q1,00v1\r\n"""
    text = "note,LeadId,CampaignMemberId\r\n" + 2 * formula + '"\0\U0001f600",00Q2,00v2\r\n'
    drop(settings, "export.csv", "\ufeff" + text)
    assert load(settings) == 3
    found = rows(settings, "row_number, payload ->> 'CampaignMemberId', payload ->> 'note'")
    assert found == [(1, "00v1", "=cmd|'/C calc'!A0"), (2, "00v1", "=cmd|'/C calc'!A0"), (3, "00v2", "\0\U0001f600")]


def test_a_file_that_was_replaced_while_it_was_loaded_stays(settings: Settings, monkeypatch: Any) -> None:
    path = drop(settings, "export.csv", GOOD)

    def land_and_replace(*arguments: Any) -> dict[str, int]:
        counts = land(*arguments)
        path.write_text(GOOD.replace("1", "2"))
        return counts

    monkeypatch.setattr("pipelines.clay.loader.land", land_and_replace)
    assert load(settings) == 1
    monkeypatch.undo()
    assert files(settings) == ["export.csv"]
    assert load(settings) == 1
    assert rows(settings, "payload ->> 'LeadId'") == [("00Q1",), ("00Q2",)]


# The real command in a process of its own, which kills itself after the rows are landed and before the file is moved.
KILLED_LOAD = """
import os, signal, sys
from pipelines.clay.drop_folder import DropFolder
DropFolder.archive = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
import pipelines.cli.load
sys.argv = ["outreach", "load", "clay"]
pipelines.cli.main()
"""


def test_killed_before_it_is_archived_a_file_is_not_loaded_again(settings: Settings) -> None:
    drop(settings, "export.csv", GOOD)
    environment = os.environ | {
        "OUTREACH_DATA_DIR": str(settings.data_dir),
        "OUTREACH_PROJECT_DIR": str(settings.project_dir),
        "OUTREACH_SECRETS_FILE": str(settings.project_dir / "none.toml"),
    }
    process = subprocess.run([sys.executable, "-c", KILLED_LOAD], env=environment, check=False, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert files(settings) == ["export.csv"]
    assert load(settings) == 0
    assert (files(settings), len(rows(settings, "row_number"))) == ([], 1)
