"""Plans are files of our own: what goes wrong with one names it and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.errors import StoreError
from pipelines.writeback.plan import Plan
from pipelines.writeback.plan_files import load_plan, save_plan

PLAN = Plan("build", "hash", {}, "2026-09-01T06:00:00+00:00", "", "ada", None, {}, [], [])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_a_plan_that_was_kept_is_read_again(settings: Settings) -> None:
    file = save_plan(settings, PLAN)
    assert load_plan(settings, file.stem) == PLAN
    assert file.stat().st_mode & 0o777 == 0o400


def test_a_full_disk_is_named_with_the_plan_and_leaves_no_half_of_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(StoreError, match=rf"{PLAN.short_id}\.json cannot be used: No space left") as caught:
            save_plan(settings, PLAN)
    assert "Free disk space" in (caught.value.next_step or "")
    assert not list(settings.plans_dir.glob("*.json"))
    save_plan(settings, PLAN)


def test_a_directory_that_cannot_be_made_is_a_store_error(settings: Settings) -> None:
    settings.plans_dir.write_text("")
    with pytest.raises(StoreError, match=r"cannot be used: "):
        save_plan(settings, PLAN)


def test_a_plan_that_cannot_be_read_is_a_store_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    file = save_plan(settings, PLAN)
    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(StoreError, match=r"cannot be used: Permission denied"):
        load_plan(settings, file.stem)
