"""What Clay sends: callbacks of its HTTP API columns to our receiver, and enriched leads to Smartlead."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from pipelines.http.service import authorities
from sandbox.clay.simulation import CAMPAIGN_OF, Simulation, smartlead_lead
from sandbox.database import Database, Row
from sandbox.world.nature import unit

PUSH_BATCH = 350
PUSH_ATTEMPTS, LONGEST_WAIT_SECONDS = 5, 10.0
TWICE_SHARE = 0.03


class Outbound:
    """Sends over HTTP.

    Args:
        database: the state.
        simulation: knows what is to be sent.
        config: the service's configuration; without ``receiver_url`` or ``smartlead_url`` nothing is sent there.
    """

    def __init__(self, database: Database, simulation: Simulation, config: dict[str, Any]) -> None:
        self._db = database
        self._simulation = simulation
        self._config = config

    def call_back(self) -> int:
        """Call back everything that is open, a few twice; what fails stays open. Returns how many were taken."""
        if not self._config.get("receiver_url"):
            return 0
        url = f"{self._config['receiver_url']}/clay/callback"
        headers = {"Authorization": f"Bearer {self._config['receiver_secret']}"}
        taken = 0
        with httpx.Client(timeout=30, headers=headers, verify=authorities()) as client:
            for callback in self._db.rows("select * from callbacks where is_delivered = 0 order by id"):
                try:
                    is_taken = self._post(client, url, callback)
                except httpx.HTTPError:
                    break  # nobody is there; the rest would fail as well
                taken += is_taken
                with self._db.transaction():
                    self._db.execute("update callbacks set is_delivered = ? where id = ?", [is_taken, callback["id"]])
        return taken

    def push(self) -> None:
        """Hand enriched rows to Smartlead; what it does not take is tried again the next day."""
        if not self._config.get("smartlead_url"):
            return
        with httpx.Client(timeout=60, verify=authorities()) as client:
            for table_id in CAMPAIGN_OF:
                for rows in self._simulation.unpushed(table_id, PUSH_BATCH):
                    if not self._push_batch(client, table_id, rows):
                        return
                    self._simulation.mark_pushed(rows, self._db.clock.tick())

    def _post(self, client: httpx.Client, url: str, callback: Row) -> bool:
        body = json.loads(callback["body"])
        is_taken = client.post(url, json=body).is_success
        if is_taken and unit(self._config["seed"], "twice", callback["id"]) < TWICE_SHARE:
            client.post(url, json=body)
        return is_taken

    def _push_batch(self, client: httpx.Client, table_id: str, rows: list[Row]) -> bool:
        url = f"{self._config['smartlead_url']}/api/v1/campaigns/{CAMPAIGN_OF[table_id]}/leads"
        body = {"lead_list": [smartlead_lead(row) for row in rows]}
        for attempt in range(PUSH_ATTEMPTS):
            try:
                response = client.post(url, params={"api_key": self._config["smartlead_api_key"]}, json=body)
            except httpx.HTTPError:
                return False
            if response.status_code != 429:
                return response.is_success
            time.sleep(min(float(response.headers.get("retry-after", 2**attempt)), LONGEST_WAIT_SECONDS))
        return False
