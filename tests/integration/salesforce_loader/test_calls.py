"""The calls of a load, as docs/scale.md counts them, against those that it really makes."""

from __future__ import annotations

import re

import pytest

from pipelines.capacity.calls import salesforce_load
from pipelines.config import Settings
from pipelines.salesforce.loader import load_salesforce
from pipelines.salesforce.objects import OBJECTS


@pytest.mark.parametrize("bulk_from_records", [100, 10_000])
def test_the_calls_of_a_load_are_those_foreseen(world, settings: Settings, bulk_from_records: int) -> None:
    settings.salesforce["icare"] = settings.salesforce["icare"].model_copy(
        update={"bulk_from_records": bulk_from_records}
    )
    records = {one.name: world.icare.count(one.name) for one in OBJECTS}
    load = load_salesforce(settings, ["icare"], sweep=True)["icare"]
    made = int(re.search(r"(\d+) API calls", " ".join(load.notes))[1])
    foreseen = salesforce_load(
        OBJECTS, records["Lead"], records["Lead"], sweep=True, bulk_from_records=bulk_from_records
    )
    assert foreseen == made


def test_a_load_without_news_makes_the_calls_foreseen(world, settings: Settings) -> None:
    load_salesforce(settings, ["icare"])
    load = load_salesforce(settings, ["icare"], sweep=False)["icare"]
    made = int(re.search(r"(\d+) API calls", " ".join(load.notes))[1])
    assert salesforce_load(OBJECTS, 0, 0, sweep=False, bulk_from_records=10_000) == made
