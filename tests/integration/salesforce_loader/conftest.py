"""Settings for the two orgs of a running world, and a look into the warehouse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.config.services import SalesforceOrg


@pytest.fixture
def settings(world, tmp_path: Path) -> Settings:
    orgs = {
        org: SalesforceOrg(login_url=client.url, client_id=f"app-{org}", client_secret=f"secret-{org}")
        for org, client in (("icare", world.icare), ("core", world.core))
    }
    return Settings(data_dir=tmp_path / "data", salesforce=orgs)


@pytest.fixture
def rows(settings: Settings) -> Callable[[str], list[tuple[Any, ...]]]:
    """Run a query in the warehouse."""

    def run(query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
            return warehouse.execute(query).fetchall()

    return run
