"""tap-salesforce, Singer's own and unmodified: discovery, a first sync of everything, a second one, and its quota."""

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

CLIENT = "tap_salesforce"
CONFIG = {
    "client_id": "app-icare",
    "client_secret": "secret-icare",
    "refresh_token": "refresh-icare",
    "api_type": "REST",
    "start_date": "2000-01-01T00:00:00Z",
    "select_fields_by_default": True,
}
STREAMS = {"Account", "Campaign", "CampaignMember", "Contact", "Lead", "Opportunity", "Task", "User"}


@pytest.fixture
def tap(client, tmp_path):
    """Run the tap with files that hold these values; gives its exit code and what it printed."""

    def run(*options: str, config: dict[str, Any] = CONFIG, **files: Any) -> tuple[int, str, str]:
        arguments = list(options)
        for name, content in {"config": config, **files}.items():
            file: Path = tmp_path / f"{name}.json"
            file.write_text(json.dumps(content))
            arguments += [f"--{name}", str(file)]
        done = client.run(client.bin / "tap-salesforce", *arguments)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def catalog(tap) -> dict[str, Any]:
    """What the tap discovers, with our objects selected."""
    code, printed, log = tap("--discover")
    assert code == 0, log
    catalog = json.loads(printed)
    for stream in catalog["streams"]:
        (whole,) = (one["metadata"] for one in stream["metadata"] if one["breadcrumb"] == [])
        whole["selected"] = stream["stream"] in STREAMS
        if "valid-replication-keys" in whole:
            (key,) = whole["valid-replication-keys"]
            whole |= {"replication-method": "INCREMENTAL", "replication-key": key}
    return catalog


def test_discovery_finds_every_field(catalog, front) -> None:
    found = {one["stream"]: one["schema"]["properties"] for one in catalog["streams"]}
    assert found.keys() >= STREAMS
    for name in STREAMS:
        described = front.icare.request("GET", f"sobjects/{name}/describe").json()
        assert found[name].keys() == {field["name"] for field in described["fields"]}
    assert found["Lead"]["HasOptedOutOfEmail"]["type"] == ["null", "boolean"]


def test_a_sync_gets_everything_and_the_next_one_what_changed(tap, catalog, front) -> None:
    records, state = _messages(tap, catalog)
    for name in STREAMS:
        expected = front.icare.records(f"SELECT Id, SystemModstamp FROM {name}", deleted=True)
        times = {one["Id"]: datetime.fromisoformat(one["SystemModstamp"]) for one in records[name]}
        assert len(records[name]) == len(times)
        assert times == {one["Id"]: datetime.fromisoformat(one["SystemModstamp"]) for one in expected}
    assert any(one["IsDeleted"] for one in records["Lead"])

    member = records["CampaignMember"][0]["Id"]
    front.icare.update(front.icare.record("CampaignMember", member, Has_Replied__c=True))
    changed, _ = _messages(tap, catalog, state=state)
    (again,) = (one for one in changed["CampaignMember"] if one["Id"] == member)
    assert again["Has_Replied__c"] is True
    assert sum(map(len, changed.values())) < sum(map(len, records.values())) / 10


def test_it_stops_when_too_much_of_the_allowance_is_used(tap) -> None:
    code, _, log = tap("--discover", config=CONFIG | {"quota_percent_total": 0.000_001})
    assert code == 2
    assert "total REST quota used across all Salesforce Applications" in log


def test_a_wrong_refresh_token_is_told(tap) -> None:
    code, _, log = tap("--discover", config=CONFIG | {"refresh_token": "?"})
    assert code == 1
    assert '"error":"invalid_grant","error_description":"expired access/refresh token"' in log


def _messages(tap, catalog, **state: Any) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    """The records of each stream, and the last state."""
    code, printed, log = tap(properties=catalog, **state)
    assert code == 0, log
    messages = [json.loads(line) for line in printed.splitlines()]
    records = defaultdict(list)
    for message in messages:
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    return records, [one["value"] for one in messages if one["type"] == "STATE"][-1]
