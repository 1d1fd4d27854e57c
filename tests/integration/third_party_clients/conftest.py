"""The double with TLS, and clients that we did not write: each in an environment of its own, outside the lock.

An environment is made once, in .clients/, from the files in the client's folder, all pinned with hashes. To renew them:
``make lock`` for Python; for npm, ``npm install --package-lock-only --omit-lockfile-registry-resolved jsforce@latest``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

HERE = Path(__file__).parent
CLIENTS = HERE.parents[2] / ".clients"
INSTALL_SECONDS, RUN_SECONDS = 280, 100
OFFLINE = re.compile("NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError")  # in what pip says


@dataclass(frozen=True)
class Environment:
    """Where a client is installed, and how it gets to the double."""

    directory: Path
    network: dict[str, str]

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command that must end in time, whatever it says."""
        environment = _environment(self.bin) | self.network | variables
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS)

    def python(self, script: str, **arguments: Any) -> Any:
        """What a Python script prints as JSON; its arguments are global variables."""
        head = f"import json\nglobals().update(json.loads({json.dumps(arguments)!r}))\n"
        return self._output(self.bin / "python", "-c", head + script)

    def node(self, script: str, **arguments: Any) -> Any:
        """What the body of an asynchronous function gives back; its arguments are constants."""
        constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in arguments.items())
        main = f"(async () => {{\n{constants}{script}\n}})().then((it) => console.log(JSON.stringify(it)))"
        return self._output(self.bin / "node", "-e", main, NODE_PATH=str(self.directory / "node_modules"))

    def _output(self, *command: str | Path, **variables: str) -> Any:
        done = self.run(*command, **variables)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, front) -> Environment:
    """The environment of the client that the module names in CLIENT; it knows the proxy, and whom to trust."""
    ca_file = str(front.ca_file)
    network = {"HTTPS_PROXY": front.proxy, "REQUESTS_CA_BUNDLE": ca_file, "NODE_EXTRA_CA_CERTS": ca_file}
    return install(request.module.CLIENT, network)


def install(name: str, network: dict[str, str]) -> Environment:
    """The environment of the client whose pinned files lie in a folder of this name; made when it is not there yet."""
    files = sorted(one for one in (HERE / name).iterdir() if one.suffix in {".txt", ".json"})
    content = b"".join(one.read_bytes() for one in files) + sys.version.encode()
    directory = CLIENTS / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    CLIENTS.mkdir(exist_ok=True)
    with FileLock(CLIENTS / f"{name}.lock"):
        if not (directory / ".installed").exists():
            shutil.rmtree(directory, ignore_errors=True)
            _install(HERE / name, directory)
            (directory / ".installed").touch()
    return Environment(directory, network)


def _install(pins: Path, directory: Path) -> None:
    _run(pins.name, sys.executable, "-m", "venv", "--without-pip", directory)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", directory / "bin" / "python"]
    options = ["--quiet", "--retries", "1", "--no-deps", "--require-hashes", "--no-build-isolation"]
    for file in ("build.txt", "requirements.txt"):  # what builds the packages must be there before them
        if (pins / file).exists():
            _run(pins.name, *pip, "install", *options, "-r", pins / file)
    if (pins / "package.json").exists():
        for file in ("package.json", "package-lock.json"):
            shutil.copy(pins / file, directory)
        npm = [directory / "bin" / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        _run(pins.name, *npm, "--prefix", directory)


def _run(client: str, *command: str | Path) -> None:
    environment = _environment(Path(command[0]).parent, keep_proxy=True)
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.fail(f"Installing {client} took longer than {INSTALL_SECONDS} s.", pytrace=False)
    output = done.stdout + done.stderr
    if done.returncode != 0 and OFFLINE.search(output):
        pytest.skip(f"{client} is not installed yet, and the package registry cannot be reached.")
    if done.returncode != 0:
        pytest.fail(f"{client} cannot be installed.\n{output[-2000:]}", pytrace=False)


def _environment(first: Path, *, keep_proxy: bool = False) -> dict[str, str]:
    """The tests' own variables without Python's, and without those that would lead past the double's proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV")) and (keep_proxy or not name.lower().endswith("_proxy"))
    }
    return kept | {"PATH": f"{first}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
