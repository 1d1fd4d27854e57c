"""The Salesforce double as a process of its own over a world of any size, and what a client needs to reach it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from benchmarks.measure import run
from benchmarks.world import GENERATE
from sandbox.salesforce.certificates import CA_FILE, make_key_pair

ORG = "icare"
SECRETS = """
[salesforce.{org}]
login_url = "{url}"
client_id = "app-{org}"
client_secret = "secret-{org}"
"""


@dataclass(frozen=True)
class Double:
    """A running double: the address of its first org, the proxy to Salesforce's own host names, and its files."""

    directory: Path
    url: str
    proxy: str
    pid: int

    @property
    def for_other_clients(self) -> dict[str, str]:
        """The environment of a client that insists on Salesforce's host names."""
        ca_file = str(self.directory / CA_FILE)
        return {"HTTPS_PROXY": self.proxy, "REQUESTS_CA_BUNDLE": ca_file, "SSL_CERT_FILE": ca_file}

    def project(self, *, all_fields: bool) -> dict[str, str]:
        """The environment of our own commands: a project directory and credentials; data are elsewhere each time."""
        file = self.directory / "dbt_project.yml"
        project = yaml.safe_load(Path("dbt_project.yml").read_text())
        project["vars"]["salesforce_extra_fields"] = {ORG: {"Lead": ["*"]} if all_fields else {}}
        file.write_text(yaml.safe_dump(project))
        secrets = self.directory / "secrets.toml"
        secrets.write_text(SECRETS.format(org=ORG, url=self.url))
        return {"OUTREACH_PROJECT_DIR": str(self.directory), "OUTREACH_SECRETS_FILE": str(secrets)}

    def sign_in(self) -> str:
        """An access token."""
        grant = {"grant_type": "client_credentials", "client_id": f"app-{ORG}", "client_secret": f"secret-{ORG}"}
        answer = httpx.post(f"{self.url}/services/oauth2/token", data=grant).raise_for_status()
        return str(answer.json()["access_token"])

    def request(self, method: str, resource: str, token: str, **content: Any) -> Any:
        """What a resource of the API answers."""
        headers = {"Authorization": f"Bearer {token}", "Sforce-Auto-Assign": "FALSE"}
        url = f"{self.url}/services/data/v62.0/{resource}"
        return httpx.request(method, url, headers=headers, timeout=120, **content).raise_for_status().json()

    def calls(self) -> int:
        """How many requests came so far, up to the 10,000 that the double remembers."""
        pages = httpx.get(f"{self.url}/_sandbox/requests", headers={"X-Sandbox-Token": "control"})
        return len(pages.raise_for_status().json()["requests"])

    def cpu_seconds(self) -> float:
        """How much CPU time the double has used so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def serving(directory: Path, leads: int) -> Iterator[Double]:
    """Generate a world in a directory and serve it; ``leads`` is the number in the first org, about."""
    run([sys.executable, "-c", GENERATE, directory, str(round(leads / 0.65))])
    make_key_pair(directory)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        icare, core, front, proxy = [one.getsockname()[1] for one in sockets]
    orgs = {name: _org(name, port) for name, port in ((ORG, icare), ("core", core))}
    tls = {"port": front, "proxy_port": proxy}
    config = {"directory": str(directory), "token": "control", "orgs": orgs, "tls": tls}
    (directory / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "sandbox.salesforce", "--config", str(directory / "config.json")]
    with subprocess.Popen(command) as process:  # noqa: S603  our own service
        try:
            double = Double(directory, f"http://127.0.0.1:{icare}", f"http://127.0.0.1:{proxy}", process.pid)
            _wait_for(double, process)
            yield double
        finally:
            process.terminate()


def _org(name: str, port: int) -> dict[str, Any]:
    return {
        "port": port,
        "client_id": f"app-{name}",
        "client_secret": f"secret-{name}",
        "username": f"outreach@{name}.example",
        "password": f"password-{name}TOKEN",
        "refresh_token": f"refresh-{name}",
        "daily_requests": 1_000_000,
    }


def _wait_for(double: Double, process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            double.calls()
        except httpx.TransportError:
            if process.poll() is not None:
                raise RuntimeError("the Salesforce double did not start") from None
            time.sleep(0.1)
        else:
            return
