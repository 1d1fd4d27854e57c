"""What comes out of a load that fails half-way: the cause, and not a word about the warehouse if that is innocent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, ServiceError, StoreError
from pipelines.landing import land
from pipelines.privacy.suppression import key_file, key_id_of, keyed_hash, make_key
from pipelines.store import open_store, writing
from pipelines.store_tables import erased_identities, erasures


def failing(error: BaseException) -> Any:
    @dlt.resource(name="rows", primary_key="id", write_disposition="merge")
    def rows() -> Iterator[dict[str, int]]:
        yield {"id": 1}
        raise error

    return rows()


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (ServiceError("no answer"), ServiceError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError("a mistake of ours"), ZeroDivisionError),
        (OSError(28, "No space left on device"), StoreError),
    ],
)
def test_a_resource_that_fails_is_told_by_its_own_error(
    tmp_path: Path, error: BaseException, seen: type[BaseException]
) -> None:
    with pytest.raises(seen):
        land(Settings(data_dir=tmp_path), "raw_test", [failing(error)])


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").mkdir()
    rows = dlt.resource([{"id": 1}], name="rows")
    with pytest.raises(StoreError, match=r"warehouse\.duckdb failed"):
        land(Settings(data_dir=tmp_path), "raw_test", [rows])


def leads() -> Any:
    address = ["New.Ann@lead.example", "bob@lead.example", "ann@lead.example"]
    rows = {"Id": [f"00Q0000000000{number}aAAA" for number in (1, 2, 3)], "Email": address, "LastName": ["A", "B", "C"]}
    return dlt.resource([pa.table(rows)], name="leads", primary_key="Id", write_disposition="merge")


def members() -> Any:
    rows = {"Id": ["00v00000000000aAAA", "00v00000000000bAAA"], "LeadId": ["00Q00000000003aAAA", "00Q00000000002aAAA"]}
    return dlt.resource([pa.table(rows)], name="campaign_members", primary_key="Id", write_disposition="merge")


def test_people_who_were_erased_do_not_land_and_a_new_lead_of_theirs_lands_without_them(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key = make_key(settings)
    known = [("email", "new.ann@lead.example"), ("email", "ann@lead.example"), ("record", "icare 00Q00000000003a")]
    with writing(open_store(settings)) as connection:
        erasure = {"erasure_id": "e", "requested_by": "dora", "key_id": key_id_of(key), "counts": "{}"}
        connection.execute(erasures.insert().values(erasure | {"requested_at": datetime.now(UTC)}))
        hashes = [{"keyed_hash": keyed_hash(key, kind, value), "kind": kind} for kind, value in known]
        connection.execute(erased_identities.insert(), [one | {"erasure_id": "e"} for one in hashes])
    counts = land(settings, "raw_salesforce_icare", [leads(), members()])
    assert counts == {"campaign_members": 1, "leads": 2, "erased_people_dropped": 2}
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        landed = warehouse.execute("select Email, LastName from raw_salesforce_icare.leads order by Id").fetchall()
        warehouse.execute("drop schema raw_salesforce_icare cascade")
    assert landed == [("[erased]", None), ("bob@lead.example", "B")]
    assert not list((tmp_path / "dlt").rglob("*.parquet")), "dlt keeps a copy of what has landed"
    key_file(settings).unlink()
    with pytest.raises(ConfigurationError, match="missing"):
        land(settings, "raw_salesforce_icare", [leads()])
