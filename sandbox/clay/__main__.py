"""``python -m sandbox.clay --config FILE``."""

from pathlib import Path

from sandbox.clay.app import ClayService
from sandbox.clay.state import open_database
from sandbox.lifecycle import read_config, serve

if __name__ == "__main__":
    config = read_config()
    serve(ClayService(open_database(Path(config["directory"])), config).application(), config["port"])
