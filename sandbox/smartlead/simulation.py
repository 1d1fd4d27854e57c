"""One day of Smartlead, the same for the history before the world starts and for the days after.

Everything is decided by :mod:`sandbox.world.nature` from seed, address, campaign and step, so the same calls give the
same events.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sandbox.database import Database
from sandbox.smartlead.events import Events
from sandbox.smartlead.fate import Fate
from sandbox.smartlead.happenings import Happenings
from sandbox.smartlead.sending import Sending
from sandbox.world.clock import WORLD_START


class Simulation:
    """Lets days pass in Smartlead."""

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        events, fate = Events(database), Fate(database, seed)
        self._sending = Sending(database, seed, events, fate)
        self._happenings = Happenings(database, seed, events, fate)

    def pass_day(self, day: date) -> None:
        """Everything that happens from the morning of a day to the next: the sending, and then what is due."""
        with self._db.transaction():
            self._sending.send_mails(day)
            self._happenings.let_happen(datetime.combine(day + timedelta(days=1), WORLD_START.timetz()))
            self._db.execute(
                "update campaigns set status = 'COMPLETED' where status = 'ACTIVE' and completes_on <= ?",
                [day.isoformat()],
            )
