"""Starting, moving and stopping the sandbox: three services on loopback, and the simulated world behind them."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from pipelines.errors import ConfigurationError, OutreachError, ServiceError
from pipelines.http.service import authorities
from sandbox.connections import secrets_toml, service_config
from sandbox.description import ORGS, Sandbox, World, own_processes, write_private
from sandbox.history import build_history
from sandbox.salesforce.certificates import make_key_pair
from sandbox.world.population import generate

SERVICES = ("salesforce", "smartlead", "clay")
START_SECONDS = 60
DAY_SECONDS = 600


def create(directory: Path, world: World, *, receiver_url: str, requests_per_minute: int) -> Sandbox:
    """Generate a new world with its history, and choose free ports and fresh credentials for it.

    Killed half-way, the directory holds no description, and the next call starts from nothing.
    """
    remove_tree(directory)
    directory.mkdir(parents=True)
    today = datetime.fromisoformat(world.today)
    generate(directory, leads=world.leads, seed=world.seed, today=today)
    build_history(directory, seed=world.seed, today=today)
    services = ("salesforce.icare", "salesforce.core", "smartlead", "clay")
    names = ("control", *ORGS, "smartlead", "clay", "clay_webhook", "receiver_smartlead", "receiver_clay")
    sandbox = Sandbox(
        directory=directory.resolve(),
        world=world,
        receiver_url=receiver_url,
        ports=dict(zip(services, _free_ports(len(services)), strict=True)),
        credentials={name: secrets.token_urlsafe(24) for name in names},
        requests_per_minute=requests_per_minute,
    )
    write_private(sandbox.secrets_file, secrets_toml(sandbox))
    sandbox.save()
    return sandbox


def start(sandbox: Sandbox, *, exit_with_process: int | None = None) -> None:
    """Start the services and wait until each answers.

    Args:
        sandbox: as created or loaded.
        exit_with_process: end the services when this process has gone, however it went.

    Raises:
        ServiceError: a service did not start; names its log file.
    """
    for service in SERVICES:
        if not sandbox.is_running(service):
            sandbox.processes[service] = _spawn(sandbox, service, exit_with_process)
            sandbox.save()
    for service in SERVICES:
        _wait_until_ready(sandbox, service)


def offer_tls(sandbox: Sandbox) -> None:
    """Let Salesforce answer under its own host names and to every kind of sign-in, from its next start on.

    Raises:
        ConfigurationError: it is running without.
    """
    if sandbox.has_tls:
        return
    if sandbox.is_running("salesforce"):
        raise ConfigurationError(
            "The sandbox is running without TLS.", next_step="Run outreach sandbox down first; its world is kept."
        )
    for org in ORGS:
        for kind in ("password", "security_token", "refresh_token"):
            sandbox.credentials[f"{org}_{kind}"] = secrets.token_urlsafe(18)
    make_key_pair(sandbox.directory)
    sandbox.ports |= dict(zip(("salesforce.tls", "salesforce.proxy"), _free_ports(2), strict=True))
    sandbox.save()


def stop(sandbox: Sandbox) -> None:
    """Stop the services; their state stays."""
    running = [psutil.Process(pid) for pid in own_processes(sandbox.directory)]
    for process in running:
        process.terminate()
    _, alive = psutil.wait_procs(running, timeout=10)
    for process in alive:
        process.kill()
    sandbox.processes.clear()
    sandbox.save()


def purge(sandbox: Sandbox) -> None:
    """Delete a stopped sandbox with its world."""
    remove_tree(sandbox.directory)


def remove_tree(directory: Path) -> None:
    """Delete a directory and everything in it, if it exists."""
    shutil.rmtree(directory, ignore_errors=True)


def advance(sandbox: Sandbox) -> None:
    """Let one day pass: Clay enriches, Smartlead sends and hears back, Clay classifies, people work in Salesforce."""
    _control(sandbox, "clay", "POST", "advance", {"days": 1})
    _control(sandbox, "smartlead", "POST", "advance", {"days": 1})
    _control(sandbox, "clay", "POST", "deliver", {})
    _control(sandbox, "salesforce", "POST", "advance", {"days": 1})


def export_truth(sandbox: Sandbox, directory: Path) -> list[Path]:
    """Write what the simulator knows as parquet files into a directory, and return them."""
    directory.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        _control(sandbox, service, "POST", "truth", {"out": str(directory.resolve())})
    return sorted(directory.glob("*.parquet"))


def status(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """What each service says of itself, or that it is stopped."""
    return {
        service: {"is_running": True, **_control(sandbox, service, "GET", "status")}
        if sandbox.is_running(service)
        else {"is_running": False}
        for service in SERVICES
    }


def applied_writes(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Every field that anybody wrote through Salesforce's API, as its own audit log holds it."""
    writes: list[dict[str, Any]] = _control(sandbox, "salesforce", "GET", "writes")["writes"]
    return writes


def _spawn(sandbox: Sandbox, service: str, exit_with_process: int | None) -> int:
    config_file = sandbox.directory / f"{service}.json"
    config = service_config(sandbox, service) | {"exit_with_process": exit_with_process}
    write_private(config_file, json.dumps(config, indent=2))
    command = [sys.executable, "-m", f"sandbox.{service}", "--config", str(config_file)]
    with (sandbox.directory / f"{service}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    return process.pid


def _wait_until_ready(sandbox: Sandbox, service: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and sandbox.is_running(service):
        try:
            _control(sandbox, service, "GET", "status")
        except OutreachError:
            time.sleep(0.1)
        else:
            return
    raise ServiceError(
        f"The sandbox's {service} service did not start.", next_step=f"Read {sandbox.directory / service}.log."
    )


def _control(
    sandbox: Sandbox, service: str, method: str, action: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    port = "salesforce.icare" if service == "salesforce" else service
    headers = {"X-Sandbox-Token": sandbox.credentials["control"]}
    try:
        url = f"{sandbox.url(port)}/_sandbox/{action}"
        response = httpx.request(method, url, json=body, headers=headers, timeout=DAY_SECONDS, verify=authorities())
        response.raise_for_status()
        content: dict[str, Any] = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ServiceError(
            f"The sandbox's {service} service failed to {action}: {error}.",
            next_step=f"Read {sandbox.directory / service}.log, or run outreach sandbox up.",
        ) from None
    return content


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
