"""A build on a standalone cluster of a master and two workers, one of which is lost in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.raw_warehouse import create_raw_warehouse, insert_story
from tests.integration.spark.conftest import PROJECT, Spark, run_on_duckdb

pyspark = pytest.importorskip("pyspark", reason="an optional extra; make spark tests it")

MODELS = ("--select", "+int_deliverability__bounce_notices", "--resource-type", "model", "--resource-type", "seed")


@dataclass
class Cluster:
    """The URL of the master, and the processes of the workers, each the leader of its executors."""

    url: str
    workers: list[subprocess.Popen[bytes]]

    def lose_a_worker(self) -> None:
        os.killpg(self.workers[0].pid, signal.SIGKILL)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    with ExitStack() as stack:
        stack.enter_context(_part(tmp_path / "master.log", "master.Master", "--host", "127.0.0.1", "--port", str(port)))
        _wait_until_open(port)
        places = ("--cores", "1", "--memory", "1g", "--work-dir", str(tmp_path / "work"))
        workers = [
            stack.enter_context(_part(tmp_path / f"worker{number}.log", "worker.Worker", *places, url))
            for number in (1, 2)
        ]
        yield Cluster(url, workers)


@pytest.mark.timeout(1800)
def test_a_build_goes_on_when_a_worker_is_lost(
    cluster: Cluster, tmp_path: Path, table_differences: Callable[[Path, Path], dict[str, int]]
) -> None:
    spark = Spark(tmp_path, cluster.url)
    warehouse = tmp_path / "warehouse.duckdb"
    create_raw_warehouse(warehouse, PROJECT)
    insert_story(warehouse)
    spark.land(warehouse)
    command = spark.command("build", *MODELS)
    with subprocess.Popen(command, cwd=PROJECT, env=spark.environment, stdout=subprocess.PIPE, text=True) as build:
        said = []
        for line in build.stdout or ():
            said.append(line)
            if "OK created sql incremental model" in line and cluster.workers[0].poll() is None:
                cluster.lose_a_worker()
    assert build.returncode == 0, "".join(said)[-3000:]
    assert cluster.workers[0].wait() == -signal.SIGKILL
    run_on_duckdb(warehouse, tmp_path, *MODELS)
    differences = table_differences(spark.as_duckdb(tmp_path / "spark.duckdb", "staging", "intermediate"), warehouse)
    assert "intermediate.int_deliverability__bounce_notices" in differences
    assert differences == dict.fromkeys(differences, 0)


@contextmanager
def _part(log: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    spark_class = Path(pyspark.__file__).with_name("bin") / "spark-class"
    command = [spark_class, f"org.apache.spark.deploy.{name}", *arguments, "--webui-port", "0"]
    with log.open("wb") as output:
        part = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        yield part
    finally:
        if part.poll() is None:
            os.killpg(part.pid, signal.SIGTERM)
        part.wait()


def _wait_until_open(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("The master did not start.")
