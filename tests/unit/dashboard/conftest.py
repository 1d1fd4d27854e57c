"""The dashboard over a small published example, made without dbt; once for the session."""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest
from starlette.testclient import TestClient

from dashboard.app import dashboard_app
from pipelines.config import Settings
from pipelines.publish import open_published
from tests.fixtures.published_marts import publish_example

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of data that no test changes."""
    return publish_example(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="session")
def browser(settings: Settings) -> Iterator[TestClient]:
    """A viewer on this machine, who may not see personal data."""
    with TestClient(dashboard_app(settings), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def marts(settings: Settings) -> Iterator[Callable[..., Rows]]:
    """A function that asks the published marts in SQL."""
    connection: duckdb.DuckDBPyConnection = open_published(settings)
    yield lambda sql, *values: connection.execute(sql, values).fetchall()
    connection.close()
