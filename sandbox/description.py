"""One sandbox: where it lives, its world, its ports, credentials and processes; kept as a file beside its state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from pipelines.errors import ConfigurationError, DataError

STATE_FILE = "sandbox.json"
SECRETS_FILE = "secrets.toml"
ORGS = ("icare", "core")


@dataclass(frozen=True)
class World:
    """What makes one simulated world: its size, its seed and the day it starts on."""

    leads: int = 2_000
    seed: int = 7
    today: str = "2026-09-01T06:00:00+00:00"


@dataclass
class Sandbox:
    """A running or stopped sandbox: where it lives, its world, its ports, credentials and processes."""

    directory: Path
    world: World
    receiver_url: str
    ports: dict[str, int]
    credentials: dict[str, str]
    requests_per_minute: int
    processes: dict[str, int] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """The base URL of one of ``ports``: ``salesforce.icare``, ``salesforce.core``, ``smartlead``, ``clay``, …"""
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def has_tls(self) -> bool:
        """Whether Salesforce answers under its own host names as well, through a proxy."""
        return "salesforce.proxy" in self.ports

    @property
    def secrets_file(self) -> Path:
        """Settings for the loaders, as a secrets file that OUTREACH_SECRETS_FILE can name."""
        return self.directory / SECRETS_FILE

    def is_running(self, service: str) -> bool:
        """Whether the service's process lives."""
        return self.processes.get(service, 0) in own_processes(self.directory)

    def save(self) -> None:
        """Keep this description beside the world's state, readable by its owner only."""
        content = asdict(self) | {"directory": str(self.directory)}
        write_private(self.directory / STATE_FILE, json.dumps(content, indent=2))


def load(directory: Path) -> Sandbox:
    """The sandbox that lives in a directory.

    Raises:
        DataError: there is none, or its description cannot be read.
    """
    try:
        content = json.loads((directory / STATE_FILE).read_text())
        return Sandbox(**content | {"directory": Path(content["directory"]), "world": World(**content["world"])})
    except FileNotFoundError:
        raise DataError(f"There is no sandbox in {directory}.", next_step="Run outreach sandbox up.") from None
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"{directory / STATE_FILE} cannot be read.", next_step="Run outreach sandbox down --purge, then up."
        ) from None


def own_processes(directory: Path) -> list[int]:
    """The service processes that serve this directory, found by their command line: a pid alone may be reused."""
    own = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        command = process.info["cmdline"] or []
        is_service = any(argument.startswith("sandbox.") for argument in command) and any(
            argument.startswith(f"{directory}/") for argument in command
        )
        if is_service and process.info["status"] != psutil.STATUS_ZOMBIE:
            own.append(process.info["pid"])
    return own


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(content)


def parse_today(value: str) -> str:
    """Check a start day such as 2026-09-01 and give it as the instant the world starts at (06:00 UTC).

    Raises:
        ConfigurationError: it is not a date.
    """
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(hour=6, tzinfo=UTC)
    except ValueError:
        raise ConfigurationError(f"'{value}' is not a date.", next_step="Write it as 2026-09-01.") from None
    return day.isoformat()
