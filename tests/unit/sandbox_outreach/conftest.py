"""A Smartlead account without HTTP, and addresses whose owners will do what a test needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.database import Database
from sandbox.smartlead.imports import add_leads
from sandbox.smartlead.rest import Api
from sandbox.smartlead.simulation import Simulation
from sandbox.smartlead.state import open_database
from sandbox.world.nature import Disposition, Mailbox, disposition, mailbox

SEED = 7
CAMPAIGN = 2710101
UNTRACKED_CAMPAIGN = 2710102


class Account:
    """A Smartlead account whose days a test lets pass."""

    def __init__(self, directory: Path, seed: int = SEED) -> None:
        directory.mkdir(exist_ok=True)
        self.db: Database = open_database(directory)
        self.api = Api(self.db)
        self._simulation = Simulation(self.db, seed)

    def add(self, emails: list[str], campaign: int = CAMPAIGN, **custom_fields: str) -> dict[str, Any]:
        leads = [{"email": email, "first_name": "Ann", "custom_fields": custom_fields} for email in emails]
        return add_leads(self.db, campaign, {"lead_list": leads})

    def pass_days(self, count: int) -> None:
        for _ in range(count):
            self._simulation.pass_day(self.db.clock.now.date())
            with self.db.transaction():
                self.db.clock.next_morning()

    def mails(self, condition: str = "true") -> list[dict[str, Any]]:
        return self.db.rows(
            f"select mails.*, email from mails join leads on leads.id = lead_id where {condition} order by sent_at"
        )

    def statistics(self, campaign: int = CAMPAIGN) -> list[dict[str, Any]]:
        return self.api.statistics(campaign, {"limit": "1000"})["data"]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        names = self.db.rows("select name from sqlite_master where type = 'table' order by name")
        return {one["name"]: self.db.rows(f"select * from {one['name']}") for one in names}


def people(count: int, prefix: str = "person") -> list[str]:
    """Addresses of anybody."""
    return [f"{prefix}{number}@company{number % 40}.example" for number in range(count)]


def somebody(person: Disposition, state: Mailbox = Mailbox.ALIVE, count: int = 1) -> list[str]:
    """Addresses whose owners would do this, behind mailboxes in this state."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        email = f"someone{number}@firm{number % 50}.example"
        if disposition(SEED, email) is person and mailbox(SEED, email) is state:
            found.append(email)
        number += 1
    return found


@pytest.fixture
def new_account(tmp_path: Path) -> Iterator[Callable[..., Account]]:
    """A function that opens an account; the name decides its directory."""
    opened: list[Account] = []

    def new(name: str = "account", seed: int = SEED) -> Account:
        opened.append(Account(tmp_path / name, seed))
        return opened[-1]

    yield new
    for account in opened:
        account.db.close()


@pytest.fixture
def account(new_account: Callable[..., Account]) -> Account:
    return new_account()


@pytest.fixture
def silent() -> list[str]:
    """Addresses of people whom mails reach and who never react."""
    return somebody(Disposition.SILENT, count=5)


@pytest.fixture
def find_people() -> Callable[..., list[str]]:
    """:func:`somebody`, for tests."""
    return somebody
