"""This machine: versions, directories, free space, who can read the secrets."""

from __future__ import annotations

import platform
import shutil
import stat
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pipelines.config import Settings, secrets_file
from pipelines.doctor.check import Check, Finding, cannot_tell, failed, passed, run_check

SUBJECT = "this machine"
DISTRIBUTION = "outreach-warehouse"
CHECKED_PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dlt")
PROJECT_FILES = ("dbt_project.yml", "profiles.yml", "seeds", "models")
LEAST_FREE_BYTES = 1 << 30
COPIES_OF_THE_WAREHOUSE = 2  # a build rewrites the marts, and publishing copies them


def check_machine(settings: Settings) -> list[Check]:
    """Check what the programs need of this machine."""
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python's version is one that we support", _python),
        *((f"{name} is installed in a version that we support", partial(_package, name)) for name in CHECKED_PACKAGES),
        ("The project's files are here", lambda: _project(settings.project_dir)),
        ("The data directory can be written", lambda: _writable(settings.data_dir)),
        ("There is space for the next build", lambda: _space(settings)),
        ("Nobody else can read the secrets file", lambda: _private(secrets_file())),
    ]
    return [run_check(SUBJECT, requirement, look) for requirement, look in looks]


def _python() -> Finding:
    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    return _judge("python", platform.python_version(), SpecifierSet(wanted), "make PYTHON=python3.11 …")


def _package(name: str) -> Finding:
    requirements = (Requirement(text) for text in metadata.requires(DISTRIBUTION) or ())
    wanted = next(one.specifier for one in requirements if one.name == name)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return failed(f"{name} is not installed", "Run make; it installs everything into .venv.")
    return _judge(name, version, wanted, "Run make; it installs everything into .venv.")


def _judge(name: str, version: str, wanted: SpecifierSet, next_step: str) -> Finding:
    if wanted.contains(version):
        return passed(f"{name} {version}")
    return failed(f"{name} {version}, not {wanted}", next_step)


def _project(directory: Path) -> Finding:
    if missing := [name for name in PROJECT_FILES if not (directory / name).exists()]:
        return failed(
            f"{directory.resolve()} lacks {', '.join(missing)}",
            "Run the command in the project directory, or set OUTREACH_PROJECT_DIR.",
        )
    return passed(str(directory.resolve()))


def _writable(directory: Path) -> Finding:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory):
            return passed(str(directory.resolve()))
    except OSError as error:
        return failed(
            f"{directory.resolve()}: {error.strerror}", "Give this user write permission, or set OUTREACH_DATA_DIR."
        )


def _space(settings: Settings) -> Finding:
    warehouse = settings.warehouse_path
    size = warehouse.stat().st_size if warehouse.exists() else 0
    needed = max(LEAST_FREE_BYTES, COPIES_OF_THE_WAREHOUSE * size)
    place = next(parent for parent in (settings.data_dir, *settings.data_dir.resolve().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:.1f} GB are free, {needed / 1e9:.1f} GB are needed"
    return passed(found) if free >= needed else failed(found, f"Free space on the disk of {place.resolve()}.")


def _private(file: Path) -> Finding:
    if not file.exists():
        return cannot_tell(f"{file} does not exist", "Credentials come from the environment then; see docs/cli.md.")
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return failed(f"others can read {file}", f"chmod 600 {file}")
    return passed(str(file))
