"""`outreach build` on a standalone cluster of a master and two workers, of which this or that is lost in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from pipelines.config import Settings
from pipelines.publish import published_version
from pipelines.raw_parquet import land_parquet
from tests.fixtures.raw_warehouse import create_raw_warehouse, insert_story
from tests.integration.spark.conftest import OUTREACH, PROJECT, free_port, is_open, wait_until

pyspark = pytest.importorskip("pyspark", reason="an optional extra; make spark tests it")
pytestmark = pytest.mark.timeout(1800)


@dataclass
class Cluster:
    """The URL of the master, and the processes of the workers, each the leader of its executors."""

    directory: Path
    url: str
    stack: ExitStack
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def have_two_workers(self) -> None:
        while len(self.workers) < 2:
            log, places = self.directory / "workers.log", ("--work-dir", str(self.directory / "work"))
            worker = _part(log, "worker.Worker", "--cores", "1", "--memory", "1g", *places, self.url)
            self.workers.append(self.stack.enter_context(worker))

    def lose_a_worker(self) -> None:
        lost = self.workers.pop()
        os.killpg(lost.pid, signal.SIGKILL)
        assert lost.wait() == -signal.SIGKILL


@dataclass
class Builder:
    """A data directory with raw tables that have landed, in which models are built on the cluster."""

    settings: Settings
    cluster: Cluster

    @contextmanager
    def in_the_middle(self) -> Iterator[subprocess.Popen[str]]:
        """A build of everything, of which the first tables are there."""
        self.cluster.have_two_workers()
        before = self._written()
        with subprocess.Popen(
            [OUTREACH, "build", "--json"],
            cwd=PROJECT,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as build:
            try:
                wait_until(lambda: build.poll() is not None or bool(self._written() - before))
                assert build.poll() is None, build.communicate()
                yield build
            finally:
                build.kill()  # it has ended, unless something is wrong

    def _written(self) -> set[Path]:
        return set((self.settings.data_dir / "spark").glob("policy/*/*.parquet"))

    @property
    def environment(self) -> dict[str, str]:
        directory = self.settings.data_dir
        return {
            "OUTREACH_TARGET": "spark",
            "OUTREACH_DATA_DIR": str(directory),
            "OUTREACH_RAW_URL": str(self.settings.raw_url),
            "OUTREACH_SPARK__MASTER": self.cluster.url,
            "OUTREACH_SPARK__LOST_WORKERS_MINUTES": "0.5",  # it must do for the start, too
            "SPARK_LOCAL_IP": "127.0.0.1",
            "DBT_LOG_PATH": str(directory / "logs"),
            "DBT_TARGET_PATH": str(directory / "target"),
        }

    def is_published(self) -> bool:
        return any(self.settings.published_dir.glob("*"))


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    directory = tmp_path_factory.mktemp("cluster")
    settings = Settings(data_dir=directory, raw_url=str(directory / "raw"))
    create_raw_warehouse(settings.warehouse_path, PROJECT)
    insert_story(settings.warehouse_path)
    land_parquet(settings)
    port = free_port()
    with ExitStack() as stack:
        master = _part(directory / "master.log", "master.Master", "--host", "127.0.0.1", "--port", str(port))
        stack.enter_context(master)
        wait_until(lambda: is_open(port))
        yield Builder(settings, Cluster(directory, f"spark://127.0.0.1:{port}", stack))


def test_when_the_driver_is_killed_the_build_ends_and_says_so(builder: Builder) -> None:
    with builder.in_the_middle() as build:
        (driver,) = (one for one in psutil.Process(build.pid).children(recursive=True) if one.name() == "java")
        driver.kill()
        _, said = build.communicate()
    assert build.returncode == 8, said
    assert "nothing was published" in said
    assert "Spark's driver has ended (exit code -9)" in " ".join(said.split())
    assert not builder.is_published()


def test_when_the_build_is_killed_nothing_goes_on_without_it(builder: Builder) -> None:
    with builder.in_the_middle() as build:
        others = psutil.Process(build.pid).children(recursive=True)
        assert "java" in {one.name() for one in others}
        build.kill()
    assert psutil.wait_procs(others, timeout=60)[1] == []
    assert not builder.is_published()


def test_when_no_worker_is_left_and_none_comes_back_the_build_ends_and_says_so(builder: Builder) -> None:
    with builder.in_the_middle() as build:
        builder.cluster.lose_a_worker()
        builder.cluster.lose_a_worker()
        _, said = build.communicate()
    assert build.returncode == 8, said
    assert f"{builder.cluster.url} has had no worker for this build for 0.5 minutes" in " ".join(said.split())
    assert not builder.is_published()


def test_when_one_worker_is_lost_the_build_goes_on_and_publishes_what_duckdb_publishes(
    builder: Builder, table_differences: Callable[[Path, Path], dict[str, int]]
) -> None:
    """In a warehouse that killed builds have left, if the others have run."""
    with builder.in_the_middle() as build:
        builder.cluster.lose_a_worker()
        counts, said = build.communicate()
    assert build.returncode == 0, said
    assert json.loads(counts)["nodes"].keys() == {"ok", "pass", "success"}
    theirs = published_version(builder.settings).file
    on_duckdb = os.environ | builder.environment | {"OUTREACH_TARGET": "duckdb"}
    subprocess.run([OUTREACH, "build"], cwd=PROJECT, env=on_duckdb, check=True, capture_output=True)
    differences = table_differences(theirs, published_version(builder.settings).file)
    assert "marts.fct_writeback_deltas" in differences
    assert differences == dict.fromkeys(differences, 0)


@contextmanager
def _part(log: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    spark_class = Path(pyspark.__file__).with_name("bin") / "spark-class"
    command = [spark_class, f"org.apache.spark.deploy.{name}", *arguments, "--webui-port", "0"]
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
    with log.open("ab") as output:
        part = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield part
    finally:
        if part.poll() is None:
            os.killpg(part.pid, signal.SIGTERM)
        part.wait()
