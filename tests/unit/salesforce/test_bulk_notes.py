"""The file that notes open Bulk jobs: trouble with it is trouble of a local store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import StoreError
from pipelines.salesforce.bulk import BulkJob, BulkJobs

JOB = BulkJob(None, "leads", "Lead", "2026-09-01T06:00:00+00:00")
NOBODY: Any = None  # no job is asked for before it is noted


def test_notes_that_cannot_be_written_are_named_before_a_job_is_asked_for(tmp_path: Path) -> None:
    notes = tmp_path / "dlt" / "jobs.json"
    jobs = BulkJobs(NOBODY, notes)
    notes.parent.write_text("")  # no directory can be made there
    with pytest.raises(StoreError, match=r"jobs\.json cannot be used: "):
        jobs.start("select Id from Lead", JOB, include_deleted=False)


@pytest.mark.parametrize("content", ["[{", '[{"reads": "leads"}]'])
def test_notes_that_make_no_sense_are_a_store_error(tmp_path: Path, content: str) -> None:
    notes = tmp_path / "jobs.json"
    notes.write_text(content)
    with pytest.raises(StoreError, match=r"jobs\.json cannot be read"):
        BulkJobs(NOBODY, notes)


def test_notes_that_are_no_file_are_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used: Is a directory"):
        BulkJobs(NOBODY, tmp_path)
