"""The same changes sent by drt's Salesforce destination: one Bulk job, no reading before it, no record of it after."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

import httpx
from drt.config.destinations_saas import SalesforceBulkDestinationConfig
from drt.config.sync_options import SyncOptions
from drt.destinations.salesforce_bulk import SalesforceBulkDestination


class OtherGrant(httpx.HTTPTransport):
    """It signs in with a user's password, which the double refuses as new orgs do; here it gets client credentials."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, another one for a sign-in."""
        if request.url.path.endswith("/token"):
            names = {name: os.environ[name] for name in ("client_id", "client_secret")}
            request = httpx.Request("POST", request.url, data={"grant_type": "client_credentials"} | names)
        return super().handle_request(request)


def main(url: str, org: str, file: str, poll_seconds: str = "") -> None:
    """Send the records of a JSON file, and print how many arrived and the seconds it took.

    It asks for the state of its job every half minute, unless ``poll_seconds`` says otherwise.
    """
    credentials = {"client_id": f"app-{org}", "client_secret": f"secret-{org}"}
    credentials |= {"username": f"outreach@{org}.example", "password": f"password-{org}TOKEN"}
    os.environ |= credentials
    config = SalesforceBulkDestinationConfig(
        type="salesforce_bulk",
        instance_url=url,
        object_name="Lead",
        operation="update",
        **{f"{name}_env": name for name in credentials},
        **({"poll_interval_seconds": int(poll_seconds)} if poll_seconds else {}),
    )
    httpx.Client = partial(httpx.Client, transport=OtherGrant())
    records = json.loads(Path(file).read_text())
    started_at, cpu_before = time.monotonic(), time.process_time()
    destination = SalesforceBulkDestination()
    destination.stage(records, config, SyncOptions())
    result = destination.finalize(config, SyncOptions())
    figures = {"applied": result.success, "seconds": time.monotonic() - started_at}
    figures["cpu_seconds"] = time.process_time() - cpu_before
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__" and "--help" not in sys.argv:
    main(*sys.argv[1:])
