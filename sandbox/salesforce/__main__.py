"""Run the Salesforce double: ``python -m sandbox.salesforce --config FILE``; one process, one port per org.

With ``"tls": {"port", "proxy_port"}`` in the configuration, the orgs also answer under Salesforce's own host names:
through a proxy, with a certificate of a CA that lies in the directory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sandbox.lifecycle import end_with_process
from sandbox.salesforce.app import Org, Service, create_app
from sandbox.salesforce.bulk.bulk import Bulk
from sandbox.salesforce.certificates import make_server_certificate
from sandbox.salesforce.front import CERTIFIED_HOSTS, Front
from sandbox.salesforce.oauth import SignIn
from sandbox.salesforce.proxy import Proxy
from sandbox.salesforce.query import Queries
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.state import State

IDLE_SECONDS = 120  # until the server closes a connection; clients poll every few seconds, and must not race with that


class _Server(uvicorn.Server):
    """One of two servers in a process: signals are handled once, for both."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def create_orgs(config: dict[str, Any], state: State) -> dict[str, Org]:
    """The orgs of a configuration, with the state behind them.

    Args:
        config: ``{"token", "orgs": {name: {"port", "client_id", "client_secret", "username", "public_key_file"?,
            "password"?, "refresh_token"?, "daily_requests"?}}}``; a password has its security token behind it.
        state: the open database.
    """
    service = Service(state, config["token"])
    for name, one in config["orgs"].items():
        sign_in = SignIn(
            org=name,
            client_id=one["client_id"],
            client_secret=one["client_secret"],
            username=one["username"],
            public_key_file=Path(one["public_key_file"]) if one.get("public_key_file") else None,
            password=one.get("password"),
            refresh_token=one.get("refresh_token"),
            longest_assertion_seconds=one.get("longest_assertion_seconds", 0),
        )
        schema = Schema(name)
        org = Org(name, service, sign_in, schema, Queries(state, schema), Bulk.of(state, schema))
        org.daily_requests = one.get("daily_requests", org.daily_requests)
        service.orgs[name] = org
    return service.orgs


def _server(application: ASGIApp, port: int, **options: Any) -> uvicorn.Server:
    return _Server(
        uvicorn.Config(
            application,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            date_header=False,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            **options,
        )
    )


def _front_server(front: Front, port: int, directory: Path) -> uvicorn.Server:
    files = make_server_certificate(directory, CERTIFIED_HOSTS)
    return _server(front, port, lifespan="off", ssl_certfile=files.certificate, ssl_keyfile=files.key)


async def _serve(servers: list[uvicorn.Server], proxy: Proxy | None) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    listener = await proxy.start() if proxy else None
    await asyncio.gather(*(server.serve() for server in servers))
    if listener:
        listener.close()


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_text())
    end_with_process(config.get("exit_with_process"))
    state = State(Path(config["directory"]))
    orgs = create_orgs(config, state)
    applications = {name: create_app(org) for name, org in orgs.items()}
    servers = [_server(applications[name], config["orgs"][name]["port"]) for name in orgs]
    proxy = None
    if tls := config.get("tls"):
        front = Front(orgs, applications)
        servers.insert(0, _front_server(front, tls["port"], Path(config["directory"])))
        proxy = Proxy(tls["proxy_port"], front.hosts, tls["port"])
    try:
        asyncio.run(_serve(servers, proxy))
    finally:
        for org in orgs.values():
            org.bulk.jobs.close()
        state.close()


if __name__ == "__main__":
    main()
