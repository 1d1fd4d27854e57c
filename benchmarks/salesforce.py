"""Loading leads from Salesforce: against the same bytes read plainly, after few changes, and against other loaders."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
from rich.table import Table

from benchmarks.measure import Run, run, table
from benchmarks.salesforce_double import ORG, Double, serving

PEERS = Path(__file__).parent / "peers"
TAP = {
    "client_id": f"app-{ORG}",
    "client_secret": f"secret-{ORG}",
    "refresh_token": f"refresh-{ORG}",
    "api_type": "REST",
    "start_date": "2000-01-01T00:00:00Z",
    "select_fields_by_default": True,
}
CHANGES = 1_000
LEADS_FOR_PEERS = 100_000


def loading(leads: int) -> Iterator[Table]:
    """The first load of many leads through Bulk, and the next one after few changes."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name), leads) as double:
        yield _first_load(double)
        yield _next_load(double)


def peers(leads: int) -> Iterator[Table]:
    """The same leads loaded by others: Singer's tap with a DuckDB target, and simple-salesforce into dlt."""
    figures = table("Leads from Salesforce into DuckDB", "loader", "leads", "seconds", "leads per second", "ours is")
    with tempfile.TemporaryDirectory() as name, serving(Path(name), min(leads, LEADS_FOR_PEERS)) as double:
        ours = load_leads(double, "peers", all_fields=True)
        count = _rows(double.directory / "peers" / "warehouse.duckdb", f"raw_salesforce_{ORG}.leads")
        for title, took, loaded in (("outreach load", ours, count), *_others(double)):
            times = f"{took.seconds / ours.seconds * count / loaded:.1f} times as fast" if took is not ours else ""
            figures.add_row(title, f"{loaded:,}", f"{took.seconds:.1f}", f"{loaded / took.seconds:,.0f}", times)
    yield figures


def _first_load(double: Double) -> Table:
    token = double.sign_in()
    fields = [field["name"] for field in double.request("GET", "sobjects/Lead/describe", token)["fields"]]
    plain = [sys.executable, PEERS / "plain_duckdb.py", double.url, token, ",".join(fields)]
    baseline = run([*plain, double.directory / "plain.duckdb"])
    ours = load_leads(double, "first", all_fields=True)
    count = _rows(double.directory / "first" / "warehouse.duckdb", f"raw_salesforce_{ORG}.leads")
    if count != _rows(double.directory / "plain.duckdb", "leads"):
        raise RuntimeError("the two loads differ in their number of leads")
    seconds = json.loads(baseline.output.splitlines()[-1])
    figures = table(
        f"First load of {count:,} leads of {len(fields)} fields through Bulk",
        "loader",
        "seconds",
        "ratio",
        "peak memory",
    )
    figures.add_row(
        "job, download, DuckDB's CSV reader", f"{seconds['all']:.1f}", "1.0", f"{baseline.megabytes:,.0f} MB"
    )
    figures.add_row("  without waiting for the job", f"{seconds['all'] - seconds['job']:.1f}", "", "")
    ratio = f"{ours.seconds / seconds['all']:.1f}"
    figures.add_row("outreach load, the whole command", f"{ours.seconds:.1f}", ratio, f"{ours.megabytes:,.0f} MB")
    return figures


def _next_load(double: Double) -> Table:
    token = double.sign_in()
    soql = f"SELECT Id FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false LIMIT {CHANGES}"
    records = double.request("GET", "query", token, params={"q": soql})["records"]
    for first in range(0, CHANGES, 200):
        changed = [
            {"attributes": {"type": "Lead"}, "id": one["Id"], "external_hard_bounced__c": True}
            for one in records[first : first + 200]
        ]
        double.request("PATCH", "composite/sobjects", token, json={"records": changed})
    calls = double.calls()
    took = load_leads(double, "first", all_fields=True)
    figures = table(f"The next load, after {CHANGES:,} leads have changed", "loader", "seconds", "API calls")
    figures.add_row("outreach load, the whole command", f"{took.seconds:.1f}", f"{double.calls() - calls}")
    return figures


def load_leads(double: Double, data: str, *, all_fields: bool) -> Run:
    """Load the double's leads by ``outreach load`` into the data directory of that name."""
    environment = double.project(all_fields=all_fields) | {"OUTREACH_DATA_DIR": str(double.directory / data)}
    outreach = Path(sys.executable).with_name("outreach")
    return run([outreach, "load", "salesforce", "--org", ORG, "--object", "Lead", "--no-sweep"], **environment)


def _others(double: Double) -> Iterator[tuple[str, Run, int]]:
    """How others did: their name, what it took, and how many leads they have loaded."""
    yield "tap-salesforce | target-duckdb", *_singer(double)
    loop = [*with_packages("simple_salesforce"), *_reaching(double), "python", str(PEERS / "simple_salesforce_dlt.py")]
    run([*loop, "--help"])  # installs it, before the clock starts
    target = double.directory / "by_loop.duckdb"
    took = run([*loop, double.sign_in(), str(target)])
    yield "simple-salesforce | dlt", took, _rows(target, "loop.lead")


def _singer(double: Double) -> tuple[Run, int]:
    directory, target = double.directory / "singer", double.directory / "by_singer.duckdb"
    directory.mkdir()
    config, catalog, target_config = (directory / f"{name}.json" for name in ("tap", "catalog", "target"))
    config.write_text(json.dumps(TAP))
    target_config.write_text(json.dumps({"path": str(target), "default_target_schema": "singer"}))
    tap = [*with_packages("tap_salesforce"), *_reaching(double), "tap-salesforce", "--config", str(config)]
    into = [*with_packages("target_duckdb"), "target-duckdb", "--config", str(target_config)]
    run([*into, "--help"])
    run(["sh", "-c", f"{' '.join(tap)} --discover > {catalog}"])
    catalog.write_text(json.dumps(_leads_only(json.loads(catalog.read_text()))))
    took = run(["bash", "-o", "pipefail", "-c", f"{' '.join(tap)} --properties {catalog} | {' '.join(into)}"])
    return took, _rows(target, "singer.lead")


def with_packages(name: str) -> list[str]:
    """The beginning of a command that runs in an environment of its own."""
    uv, python = str(Path(sys.executable).with_name("uv")), sys.executable
    packages = str(PEERS / f"{name}.txt")
    return [uv, "run", "--quiet", "--no-project", "--python", python, "--with-requirements", packages, "--"]


def _reaching(double: Double) -> list[str]:
    """What comes before a client that insists on Salesforce's host names."""
    return ["env", *(f"{name}={value}" for name, value in double.for_other_clients.items())]


def _leads_only(catalog: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    for stream in catalog["streams"]:
        for one in stream["metadata"]:  # type: ignore[attr-defined]
            if one["breadcrumb"] == []:
                one["metadata"]["selected"] = stream["stream"] == "Lead"
    return catalog


def _rows(database: Path, name: str) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute(f"select count(*) from {name}").fetchone()
        return int(row[0]) if row else 0
