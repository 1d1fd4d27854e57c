"""``outreach sandbox up --tls``: what it prints is enough to sign in under Salesforce's own host names."""

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.errors import ConfigurationError


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Runs ``outreach sandbox``; the sandbox is stopped at the end."""
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["sandbox", *arguments])

    yield run
    run("down", "--purge")


def test_a_sandbox_offers_tls_from_its_next_start_on(sandbox) -> None:
    assert sandbox("up", "--leads", "200").exit_code == 0
    refusal = sandbox("up", "--tls").exception
    assert isinstance(refusal, ConfigurationError)
    assert "outreach sandbox down" in str(refusal.next_step)
    sandbox("down")
    assert sandbox("up", "--tls").exit_code == 0
    again = sandbox("up", "--json")
    entries = {(one["service"], one.get("org")): one for one in map(json.loads, again.stdout.splitlines())}
    proxy = entries["salesforce proxy", None]
    context = ssl.create_default_context(cafile=proxy["ca_file"])
    with httpx.Client(proxy=proxy["url"], verify=context) as client:
        for org in ("icare", "core"):
            connection = entries["salesforce", org]
            grant = {key: connection[key] for key in ("client_id", "client_secret", "refresh_token")}
            form = grant | {"grant_type": "refresh_token"}
            token = client.post("https://login.salesforce.com/services/oauth2/token", data=form).raise_for_status()
            assert token.json()["instance_url"] == connection["my_domain"]
