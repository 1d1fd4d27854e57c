"""``outreach doctor salesforce`` against the double: what passes, what fails, and what to change."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.salesforce import auth
from sandbox.world.ids import salesforce_id

Outcome = tuple[int, dict[str, dict[str, Any]], str]
WRITTEN = "It may write the allowlisted fields and no others"
SIGNED_IN = "The integration user can sign in, to the right org"


@pytest.fixture
def outreach_doctor(
    world, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run the command for one org, with settings added or changed: exit code, lines by requirement, messages."""
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(tmp_path / "none.toml"))
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path))
    connection = {
        "LOGIN_URL": world.icare.url,
        "CLIENT_ID": "app-icare",
        "CLIENT_SECRET": "secret-icare",
        "ORGANIZATION_ID": salesforce_id("Organization", "icare", 1),
        "EXPECTED_ROLE": "Outreach Integration",
        "VALIDATION_BYPASS_PERMISSION": "Bypass_Validation_Rules",
    }

    def run(**settings: str | None) -> Outcome:
        for name, value in (connection | settings).items():
            if value is not None:
                monkeypatch.setenv(f"OUTREACH_SALESFORCE__ICARE__{name}", value)
        monkeypatch.setattr(sys, "argv", ["outreach", "doctor", "salesforce", "--org", "icare", "--json"])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        lines = json.loads(printed.out)
        return int(caught.value.code or 0), {line["requirement"]: line for line in lines}, printed.err

    return run


def _failures(lines: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    failed = (line for line in lines.values() if line["verdict"] == "fail")
    return {line["requirement"]: (line["found"], line["next_step"]) for line in failed}


def test_an_integration_user_as_it_should_be_passes_every_line(outreach_doctor) -> None:
    code, lines, messages = outreach_doctor()
    assert {requirement: line["verdict"] for requirement, line in lines.items() if line["verdict"] != "pass"} == {}
    assert len(lines) == 18
    assert lines[WRITTEN]["found"] == (
        "CampaignMember.Has_Replied__c, CampaignMember.ReplyClassification__c, Lead.external_hard_bounced__c"
    )
    assert (code, messages) == (0, "")


def test_what_is_not_configured_cannot_be_told_and_does_not_fail(outreach_doctor) -> None:
    code, lines, _ = outreach_doctor(ORGANIZATION_ID=None, EXPECTED_ROLE=None, VALIDATION_BYPASS_PERMISSION=None)
    unknown = {line["requirement"]: line["next_step"] for line in lines.values() if line["verdict"] == "cannot tell"}
    assert len(unknown) == 3
    assert salesforce_id("Organization", "icare", 1) in unknown[SIGNED_IN]
    assert code == 0


@pytest.mark.parametrize(
    ("permission", "requirement", "found"),
    [
        ({"field": "external_hard_bounced__c", "access": "read"}, WRITTEN, "may not write Lead.external_hard_bounced"),
        ({"field": "Title", "access": "write"}, WRITTEN, "may also write Lead.Title"),
        ({"field": "Company", "access": "none"}, "It sees every field that is loaded", "Lead.Company"),
        ({"system": {"PermissionsViewAllData": True}}, "It has no broad administrative permissions", "View All Data"),
        ({"system": {"PermissionsApiUserOnly": False}}, "It is an API-only user", "web interface"),
        ({"bypass": False}, "It may bypass validation rules", "does not have Bypass_Validation_Rules"),
        ({"object": "Task", "field": "Subject", "access": "write"}, "It may read Task, and no more", "update"),
    ],
)
def test_a_wrong_permission_is_named_with_what_to_change(
    world, outreach_doctor, permission, requirement, found
) -> None:
    about = {"object": "Lead"} if "field" in permission else {}
    world.icare.control("POST", "permissions", **({"org": "icare"} | about | permission))
    code, lines, messages = outreach_doctor()
    what, next_step = _failures(lines)[requirement]
    assert found in what
    assert next_step
    assert (code, "checks failed" in messages) == (3, True)


def test_an_administrator_is_no_integration_user(world, outreach_doctor) -> None:
    world.icare.become("administrator")
    failures = _failures(outreach_doctor()[1])
    assert failures["It may update Lead, not create or delete"][0] == "it may also create, delete"
    assert failures["It may read Account, and no more"][0] == "it may also create, update, delete"
    assert "Modify All Data" in failures["It has no broad administrative permissions"][0]


def test_another_role(outreach_doctor) -> None:
    failures = _failures(outreach_doctor(EXPECTED_ROLE="Sales")[1])
    assert failures == {
        "It has the role that the org's sharing needs": ("it has Outreach Integration", "Give it the role Sales.")
    }


def test_a_clock_that_is_wrong(outreach_doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: now() + 600))
    found, next_step = _failures(outreach_doctor()[1])["Our clock agrees with Salesforce's"]
    assert (found.endswith(" seconds apart"), "NTP" in next_step) == (True, True)


def test_gbus_that_the_user_sees_no_lead_of_cannot_be_told_from_none(world, outreach_doctor) -> None:
    world.state.execute("""update icare."Lead" set "GBU__c" = 'Energy' where "GBU__c" = 'Consumer'""")
    _, lines, _ = outreach_doctor()
    assert lines["It sees leads of every GBU"]["verdict"] == "cannot tell"
    assert "Consumer" in lines["It sees leads of every GBU"]["found"]


def test_an_org_that_cannot_be_looked_at_is_one_failed_line(world, outreach_doctor) -> None:
    cases = {
        "not to 00DCo0": {"ORGANIZATION_ID": salesforce_id("Organization", "core", 1)},
        "refuses the sign-in": {"CLIENT_SECRET": "wrong"},
        "cannot be reached": {"LOGIN_URL": "http://127.0.0.1:9"},
    }
    for text, settings in cases.items():
        code, lines, messages = outreach_doctor(**settings)
        assert list(lines) == [SIGNED_IN]
        found, next_step = _failures(lines)[SIGNED_IN]
        assert text in found
        assert next_step
        assert "wrong" not in f"{lines}{messages}"
        assert code == 3
