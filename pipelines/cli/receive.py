"""``outreach receive``: take webhooks and callbacks into the inbox."""

from __future__ import annotations

import gc
import logging
import signal
from typing import Annotated

import typer
import uvicorn

from pipelines.cli import app
from pipelines.config import load_settings
from pipelines.console import out
from pipelines.errors import ConfigurationError
from pipelines.inbox.receiver import receiver_app
from pipelines.listening import is_loopback, listen, url_of
from pipelines.store import open_store

SHUTDOWN_SECONDS = 20


@app.command()
def receive(
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default the configured one.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen on an address that other machines can reach.")
    ] = False,
) -> None:
    """Receive Smartlead's webhooks and Clay's callbacks; every event is stored before it is acknowledged.

    Put a proxy with TLS in front of it. Ctrl-C or SIGTERM ends it after the requests under way.
    """
    settings = load_settings()
    receiver = settings.require_receiver()
    address = host or receiver.host
    if not allow_remote and not is_loopback(address):
        raise ConfigurationError(
            f"The receiver does not listen on {address}: other machines could reach it.",
            next_step="Put a proxy with TLS in front of 127.0.0.1, or say --allow-remote.",
        )
    listener = listen(address, receiver.port if port is None else port)
    engine = open_store(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = uvicorn.Config(
        receiver_app(engine, receiver),
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # nothing here depends on who sends
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)  # uvicorn hands the signal on after its orderly end
    out.print(f"Receiving on {url_of(listener)}", highlight=False, soft_wrap=True)
    gc.freeze()  # what was imported stays: a collector that looks at all of it holds answers up for a tenth of a second
    uvicorn.Server(config).run(sockets=[listener])
    engine.dispose()
