"""Both orgs of a small world, served over real HTTP; each test gets its own copy of the state."""

import asyncio
import itertools
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from pipelines.http.service import authorities
from sandbox.salesforce.__main__ import create_orgs
from sandbox.salesforce.app import create_app
from sandbox.salesforce.certificates import CA_FILE, PRIVATE_KEY_FILE, PUBLIC_KEY_FILE, make_key_pair
from sandbox.salesforce.state import State
from sandbox.world.clock import WORLD_START
from sandbox.world.population import generate

LEADS, SEED = 600, 5
CONTROL = {"X-Sandbox-Token": "control"}


@dataclass
class Client:
    """A plain client of one org, signed in."""

    url: str
    token: str = ""

    def sign_in(self, **form: str) -> httpx.Response:
        return httpx.post(f"{self.url}/services/oauth2/token", data=form, verify=authorities())

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        path = path if path.startswith("/") else f"/services/data/v62.0/{path}"
        headers = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        return httpx.request(method, self.url + path, headers=headers, timeout=30, verify=authorities(), **more)

    def query(self, soql: str, *, deleted: bool = False, **headers: str) -> httpx.Response:
        return self.request("GET", "queryAll" if deleted else "query", params={"q": soql}, headers=headers)

    def records(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """All pages of a query."""
        page = self.query(soql, deleted=deleted).raise_for_status().json()
        records = page["records"]
        while not page["done"]:
            page = self.request("GET", page["nextRecordsUrl"]).raise_for_status().json()
            records += page["records"]
        return records

    def count(self, soql_condition: str) -> int:
        return self.query(f"SELECT count() FROM {soql_condition}").raise_for_status().json()["totalSize"]

    def update(self, *records: dict[str, Any], assign: bool = False, **body: Any) -> httpx.Response:
        headers = {} if assign else {"Sforce-Auto-Assign": "FALSE"}
        return self.request("PATCH", "composite/sobjects", json={"records": list(records)} | body, headers=headers)

    @staticmethod
    def record(sobject: str, record_id: str, **fields: Any) -> dict[str, Any]:
        return {"attributes": {"type": sobject}, "id": record_id, **fields}

    def row(self, method: str, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """One request about a single record, such as ``Lead/00Q…``."""
        content = {"json": fields} if method in {"POST", "PATCH"} else {"params": fields}
        return self.request(
            method, f"sobjects/{path}", headers={"Sforce-Auto-Assign": "FALSE"} | (headers or {}), **content
        )

    def become(self, profile: str) -> None:
        """Give the integration user of both orgs another profile."""
        for org in ("icare", "core"):
            self.control("POST", "permissions", org=org, profile=profile)

    def control(self, method: str, name: str, **body: Any) -> Any:
        content = {"json": body} if body else {}
        response = httpx.request(
            method, f"{self.url}/_sandbox/{name}", headers=CONTROL, timeout=60, verify=authorities(), **content
        )
        return response.raise_for_status().json()


@dataclass
class World:
    """A running double."""

    state: State
    icare: Client
    core: Client
    directory: Path


@dataclass
class Front:
    """A running double whose orgs also answer under Salesforce's own host names."""

    proxy: str
    directory: Path
    icare: Client
    core: Client

    def sign_in(self) -> None:
        """New tokens, at the start and after a test that ended all sessions."""
        self.icare.token, self.core.token = _token(self.icare, "icare"), _token(self.core, "core")

    @property
    def ca_file(self) -> Path:
        return self.directory / CA_FILE

    @property
    def private_key_file(self) -> Path:
        return self.directory / PRIVATE_KEY_FILE


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("generated")
    generate(directory, leads=LEADS, seed=SEED, today=WORLD_START)
    return directory


@contextmanager
def running_world(generated: Path, directory: Path, settings: dict[str, Any]) -> Iterator[World]:
    """Serve a copy of the generated state, both orgs in one thread."""
    shutil.copy(generated / "salesforce.duckdb", directory)
    state = State(directory)
    config = {"token": "control", "orgs": {org: _org_config(org) | settings for org in ("icare", "core")}}
    orgs = create_orgs(config, state)
    options: Any = {"host": "127.0.0.1", "port": 0, "log_level": "critical", "date_header": False}
    servers = {name: uvicorn.Server(uvicorn.Config(create_app(org), **options)) for name, org in orgs.items()}
    thread = threading.Thread(target=asyncio.run, args=(_serve(list(servers.values())),), daemon=True)
    thread.start()
    clients = {}
    for name, server in servers.items():
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        clients[name] = client = Client(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
        client.token = _token(client, name)
    yield World(state, clients["icare"], clients["core"], directory)
    for server in servers.values():
        server.should_exit = True
    thread.join(10)
    for org in orgs.values():
        org.bulk.jobs.close()
    state.close()


async def _serve(servers: list[uvicorn.Server]) -> None:
    await asyncio.gather(*(server.serve() for server in servers))


@pytest.fixture
def start(generated: Path, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A function that starts a world, with further settings for each org."""
    with ExitStack() as stack:
        numbers = itertools.count()

        def start_world(**settings: Any) -> World:
            directory = tmp_path / f"world{next(numbers)}"
            directory.mkdir()
            return stack.enter_context(running_world(generated, directory, settings))

        yield start_world


@pytest.fixture
def world(start: Callable[..., World]) -> World:
    """A world of the test's own."""
    return start()


@pytest.fixture(scope="session")
def run_world() -> Callable[..., AbstractContextManager[World]]:
    """The context manager that serves a world, for fixtures of a wider scope."""
    return running_world


@pytest.fixture(scope="module")
def front(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The double as a process of its own, with TLS; for one module."""
    directory = tmp_path_factory.mktemp("front")
    shutil.copy(generated / "salesforce.duckdb", directory)
    make_key_pair(directory)
    ports = _free_ports(4)
    orgs = {
        org: _org_config(org) | {"port": port, "public_key_file": str(directory / PUBLIC_KEY_FILE)}
        for org, port in zip(("icare", "core"), ports, strict=False)
    }
    config = {"directory": str(directory), "token": "control", "orgs": orgs}
    config["tls"] = {"port": ports[2], "proxy_port": ports[3]}
    (directory / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "sandbox.salesforce", "--config", str(directory / "config.json")]
    with subprocess.Popen(command) as process:
        icare, core = (Client(f"http://127.0.0.1:{port}") for port in ports[:2])
        try:
            _wait_for(core, process)
            front = Front(f"http://127.0.0.1:{ports[3]}", directory, icare, core)
            front.sign_in()
            yield front
        finally:
            process.terminate()
        assert process.wait(10) == 0


@pytest.fixture(scope="module")
def shared(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that all tests of a module read and none changes."""
    with running_world(generated, tmp_path_factory.mktemp("shared"), {}) as world:
        yield world


def _token(client: Client, org: str) -> str:
    grant = {"grant_type": "client_credentials", "client_id": f"app-{org}", "client_secret": f"secret-{org}"}
    return client.sign_in(**grant).raise_for_status().json()["access_token"]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def _wait_for(client: Client, process: subprocess.Popen) -> None:
    while True:
        try:
            client.control("GET", "status")
        except httpx.ConnectError:
            assert process.poll() is None, "the Salesforce double did not start"
            time.sleep(0.05)
        else:
            return


def _org_config(org: str) -> dict[str, Any]:
    return {
        "port": 0,
        "client_id": f"app-{org}",
        "client_secret": f"secret-{org}",
        "username": f"outreach@{org}.example",
        "password": f"password-{org}TOKEN",
        "refresh_token": f"refresh-{org}",
    }
