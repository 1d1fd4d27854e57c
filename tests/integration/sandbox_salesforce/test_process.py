"""The process itself: both orgs on their ports, state that survives a kill, and a clean end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest


@pytest.fixture
def command(generated: Path, tmp_path: Path):
    """The command line of the service, its configuration with free ports, and its state."""
    shutil.copy(generated / "salesforce.duckdb", tmp_path)
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    app = {"client_id": "app", "client_secret": "secret", "username": "u@x.example"}
    orgs = {org: app | {"port": port} for org, port in zip(("icare", "core"), ports, strict=True)}
    config = {"directory": str(tmp_path), "token": "control", "seed": 5, "orgs": orgs}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return [sys.executable, "-m", "sandbox.salesforce", "--config", str(tmp_path / "config.json")], ports


def _start(command: list[str], port: int) -> subprocess.Popen:
    process = subprocess.Popen(command)
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/_sandbox/status")
        except httpx.ConnectError:
            assert process.poll() is None
            time.sleep(0.05)
        else:
            return process
    raise AssertionError("the service did not start")


def test_the_process_serves_both_orgs_survives_a_kill_and_ends_on_a_signal(command) -> None:
    arguments, ports = command
    process = _start(arguments, ports[0])
    try:
        for port in ports:
            grant = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}
            token = httpx.post(f"http://127.0.0.1:{port}/services/oauth2/token", data=grant).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}", "Sforce-Auto-Assign": "FALSE"}
            data = f"http://127.0.0.1:{port}/services/data/v62.0"
            query = httpx.get(f"{data}/query?q=SELECT+Id+FROM+CampaignMember+LIMIT+1", headers=headers)
            (one,) = query.json()["records"]
            change = {"attributes": {"type": "CampaignMember"}, "id": one["Id"], "Has_Replied__c": True}
            answer = httpx.patch(f"{data}/composite/sobjects", json={"records": [change]}, headers=headers)
            assert answer.json()[0]["success"]
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        process = _start(arguments, ports[1])
        control = {"X-Sandbox-Token": "control"}
        writes = httpx.get(f"http://127.0.0.1:{ports[1]}/_sandbox/writes", headers=control).json()["writes"]
        assert [one["org"] for one in writes] == ["icare", "core"]
        status = httpx.get(f"http://127.0.0.1:{ports[0]}/_sandbox/status", headers=control).json()
        assert status["world_time"] == "2026-09-01T06:00:02+00:00"
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait(10)


def test_a_connection_stays_open_between_two_polls_of_a_job(command) -> None:
    arguments, ports = command
    process = _start(arguments, ports[0])
    connection = HTTPConnection("127.0.0.1", ports[0])
    try:
        connection.request("GET", "/services/data")
        connection.getresponse().read()
        used = connection.sock
        time.sleep(5.5)  # simple-salesforce asks every five seconds
        connection.request("GET", "/services/data")
        assert (connection.getresponse().status, connection.sock) == (200, used)
    finally:
        connection.close()
        process.kill()
        process.wait(10)
