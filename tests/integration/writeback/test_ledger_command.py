"""What an auditor does with the ledger: verify it, take it along, and verify it again without this program."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.store import open_store, writing
from pipelines.store_tables import ledger_entries
from pipelines.writeback import ledger


@pytest.fixture
def pushed(outreach, publish, leads) -> str:
    """The plan of two changes that were pushed."""
    publish(*({"org": "icare", "record_id": lead, "evidence": "=Größe ☃"} for lead in leads[:2]))
    plan_id = outreach("plan", "--json").json["plan_id"]
    outreach("approve", plan_id, "--reason", "fine", user="grace")
    assert outreach("push", plan_id).code == 0
    return plan_id


RECIPE = re.search(r"```python\n(.*?)```", Path("docs/write-back.md").read_text(), re.DOTALL)


def recomputed(lines: list[str]) -> str:
    """The head of an export, by the recipe of docs/write-back.md."""
    assert RECIPE
    result = subprocess.run(
        [sys.executable, "-c", RECIPE[1]], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_an_export_proves_itself(outreach, pushed, settings, leads) -> None:
    whole = outreach("ledger", "verify", "--json").json
    exported = outreach("ledger", "export").out.splitlines()
    assert len(exported) == whole["entries"] == 7  # plan, approval, push, 2 intents, 2 outcomes
    assert recomputed(exported) == whole["hash"]
    with pytest.raises(subprocess.CalledProcessError):
        recomputed([line.replace("Größe", "Grösse") for line in exported])
    assert outreach("ledger", "verify", "--head", whole["hash"]).code == 0
    assert outreach("ledger", "verify", "--head", "f" * 64).code == 7
    ledger.redact(open_store(settings), [("icare", leads[0])], actor="dora", reason="erasure x")
    assert "2 were redacted" in outreach("ledger", "verify", "--head", whole["hash"]).out
    exported = outreach("ledger", "export").out.splitlines()
    assert recomputed(exported) == outreach("ledger", "verify", "--json").json["hash"]
    with pytest.raises(subprocess.CalledProcessError):
        recomputed(exported[:-1])  # without the entry that vouches for it


def test_an_export_can_be_of_one_record_or_one_plan_and_csv(outreach, pushed, leads, tmp_path) -> None:
    of_record = [json.loads(line) for line in outreach("ledger", "export", "--record", leads[0]).out.splitlines()]
    assert [one["entry_type"] for one in of_record] == ["intent", "outcome"]
    file = tmp_path / "ledger.csv"
    assert outreach("ledger", "export", "--plan", pushed[:12], "--format", "csv", "--out", str(file)).code == 0
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 7
    assert {row["evidence"] for row in rows if row["record_id"]} == {"'=Größe ☃"}
    assert outreach("ledger", "export", "--plan", "%").out == ""


def test_a_ledger_that_has_lost_its_end_is_refused_by_verify_and_push(outreach, pushed, settings, world) -> None:
    with writing(open_store(settings)) as connection:
        connection.execute(sa.delete(ledger_entries).where(ledger_entries.c.entry_id > 4))
        connection.exec_driver_sql("update sqlite_sequence set seq = 4 where name = 'ledger_entries'")
    for command in (["ledger", "verify"], ["push"]):
        ended = outreach(*command)
        assert ended.code == 7
        assert "head" in ended.err
    (settings.data_dir / "ledger_heads.txt").rename(settings.data_dir / "loss.txt")
    assert outreach("push").code == 0
    assert len(world.icare.control("GET", "writes")["writes"]) == 2
