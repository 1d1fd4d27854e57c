"""``outreach sandbox up --tls``: what it prints is enough to sign in under Salesforce's own host names."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

OUTREACH = str(Path(sys.executable).with_name("outreach"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs ``outreach sandbox``; the sandbox is stopped at the end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OUTREACH_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = inherited | {"OUTREACH_DATA_DIR": str(tmp_path)}
        return subprocess.run([OUTREACH, "sandbox", *arguments], env=environment, capture_output=True, text=True)

    yield run
    run("down", "--purge")


def test_a_sandbox_offers_tls_from_its_next_start_on(sandbox) -> None:
    assert sandbox("up", "--leads", "200").returncode == 0
    refused = sandbox("up", "--tls")
    assert (refused.returncode, "outreach sandbox down" in refused.stderr) == (3, True)
    sandbox("down")
    assert sandbox("up", "--tls").returncode == 0
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
