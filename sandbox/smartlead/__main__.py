"""``python -m sandbox.smartlead --config FILE``."""

from pathlib import Path

from sandbox.lifecycle import read_config, serve
from sandbox.smartlead.app import SmartleadService
from sandbox.smartlead.state import open_database

if __name__ == "__main__":
    config = read_config()
    service = SmartleadService(open_database(Path(config["directory"])), config)
    service.register_webhooks()
    serve(service.application(), config["port"])
