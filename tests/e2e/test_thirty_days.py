"""Thirty days with all their disorder, loaded, built and written back on each of them, against the truth.

Slow, and therefore not part of ``make test``: ``make truth``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.config import Settings
from sandbox.agreement import compare_marts

BIN = Path(sys.executable).parent


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_thirty_days_end_as_the_truth_says_and_as_one_full_build(tmp_path: Path, table_differences) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTREACH_")}
    environment |= {"OUTREACH_DATA_DIR": str(tmp_path)}
    leads, days = os.environ.get("TRUTH_LEADS", "1000"), os.environ.get("TRUTH_DAYS", "30")
    demo = subprocess.run(
        [BIN / "outreach", "demo", "--daily", "--days", days, "--leads", leads],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert demo.returncode == 0, demo.stdout[-5000:]

    checks = compare_marts(Settings(data_dir=tmp_path), tmp_path / "sandbox" / "truth")
    assert [check for check in checks if check.disagreeing or not check.compared] == []

    warehouse, day_by_day = tmp_path / "warehouse.duckdb", tmp_path / "day_by_day.duckdb"
    shutil.copy(warehouse, day_by_day)
    subprocess.run(
        [BIN / "dbt", "--quiet", "build", "--full-refresh", "--target-path", tmp_path, "--log-path", tmp_path],
        env=environment | {"OUTREACH_WAREHOUSE": str(warehouse)},
        check=True,
    )
    differences = table_differences(warehouse, day_by_day)
    assert differences == dict.fromkeys(differences, 0)
