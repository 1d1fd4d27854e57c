"""``outreach dashboard``: the pages over the published marts."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
import uvicorn

from pipelines.cli import app
from pipelines.config import load_settings
from pipelines.console import out
from pipelines.listening import listen, url_of


@app.command()
def dashboard(
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default the configured one.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Show funnel, sales, deliverability, enrichment and trust in the browser, from the published marts.

    Without a configured sign-in it is for this machine only, and personal data are masked. It goes on showing the last
    good data while a build runs or has failed. Ctrl-C ends it.
    """
    from dashboard.app import dashboard_app  # noqa: PLC0415  the charts' library takes a second to load
    from dashboard.sign_in import check_host  # noqa: PLC0415

    settings = load_settings()
    address = host or settings.dashboard.host
    check_host(settings.dashboard, address)
    listener = listen(address, settings.dashboard.port if port is None else port)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    out.print(f"Dashboard on {url_of(listener)}", highlight=False, soft_wrap=True)
    config = uvicorn.Config(dashboard_app(settings), log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])
