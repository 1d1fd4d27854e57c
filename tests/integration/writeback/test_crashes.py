"""Kill -9 at every step of a push: the next one brings the same end state, nothing twice, no audit row missing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.store import open_store
from pipelines.writeback import ledger

Killable = Callable[..., dict[str, Any]]
LEADS = "SELECT Id FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false ORDER BY Id"
MEMBERS = "SELECT Id FROM CampaignMember WHERE ReplyClassification__c = null ORDER BY Id LIMIT 100"


@pytest.fixture
def killable(settings: Settings) -> Iterator[Killable]:
    """A function that pushes in a process of its own and gives its exit status and steps."""
    environment = os.environ | {"OUTREACH_DATA_DIR": str(settings.data_dir)}
    for org, connection in settings.salesforce.items():
        prefix = f"OUTREACH_SALESFORCE__{org.upper()}__"
        secret = connection.client_secret
        environment |= {
            f"{prefix}LOGIN_URL": connection.login_url,
            f"{prefix}CLIENT_ID": connection.client_id,
            f"{prefix}CLIENT_SECRET": secret.get_secret_value() if secret else "",
        }
    script = Path(__file__).with_name("killable_push.py")
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def push(**command: Any) -> dict[str, Any]:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield push
        process.stdin.close()


def lead(record_id: str) -> dict[str, Any]:
    return {"org": "icare", "record_id": record_id}


def member(record_id: str) -> dict[str, Any]:
    field = {"field": "ReplyClassification__c", "after_value": "Positive", "before_value": None}
    return {"org": "icare", "object": "CampaignMember", "record_id": record_id, **field}


def check(settings: Settings, recorded, written, deltas: list[dict[str, Any]]) -> None:
    """Each value was written once, the ledger knows of each write, and nothing is open."""
    wanted = sorted((one["record_id"], one.get("field", "external_hard_bounced__c")) for one in deltas)
    ids = {record_id for record_id, _ in wanted}
    assert sorted((record_id, field) for record_id, field, _ in written() if record_id in ids) == wanted
    entries = [entry for entry in recorded() if entry["record_id"] in ids]
    applied = sorted((one["record_id"], one["field"]) for one in entries if one["outcome"] == "applied")
    assert applied == wanted
    for outcome in (one for one in entries if one["outcome"] == "applied"):
        assert any(
            one["entry_type"] == "intent"
            and one["change_id"] == outcome["change_id"]
            and one["entry_id"] < outcome["entry_id"]
            for one in entries
        )
    assert ledger.open_intents(open_store(settings)) == []
    ledger.verify(open_store(settings))


@pytest.mark.parametrize(
    ("limits", "leads_each", "members_each", "expected_steps"),
    [
        (  # after its canary, two batches of leads are under way side by side
            {"canary_records": 1, "records_per_update": 1},
            3,
            2,
            {"before ledger intent", "after PATCH composite/sobjects"},
        ),
        ({"canary_records": 0, "bulk_from_records": 2}, 3, 0, {"after POST jobs/ingest", "after PUT jobs/ingest"}),
    ],
    ids=["collections", "bulk"],
)
def test_killed_at_any_step(
    world, settings, publish, killable, recorded, written, limits, leads_each, members_each, expected_steps
) -> None:
    leads = iter([lead(one["Id"]) for one in world.icare.records(LEADS)])
    members = iter([member(one["Id"]) for one in world.icare.records(MEMBERS)])

    def some() -> list[dict[str, Any]]:
        return [*(next(leads) for _ in range(leads_each)), *(next(members) for _ in range(members_each))]

    deltas = some()
    publish(*deltas)
    steps = killable(limits=limits)["steps"]
    assert expected_steps <= set(steps)
    check(settings, recorded, written, deltas)
    # Nothing happens between the end of a step and the beginning of the next: one kill for both.
    for number, name in [(number, name) for number, name in enumerate(steps) if not number or name.startswith("after")]:
        deltas = some()
        publish(*deltas)
        assert killable(limits=limits, kill_at=number)["status"] == -signal.SIGKILL, name
        assert killable(limits=limits)["status"] == 0, name
        check(settings, recorded, written, deltas)
