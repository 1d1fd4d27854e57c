"""The dashboard's web application: a page, a table of it, its download, and what is said when something is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import cast

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from dashboard import charts
from dashboard.filters import Choice, Filter, Selection, UnknownFilterError, choices_of, read_selection
from dashboard.marts import Marts, Reader
from dashboard.page import Page
from dashboard.pages import PAGES, funnel
from dashboard.personal import masked
from dashboard.rendering import message_page, standalone_table, whole_page
from dashboard.report import report_of
from dashboard.security import SecurityHeaders, allowed_hosts
from dashboard.sign_in import sign_in_middleware, sign_in_routes
from dashboard.tables import Table
from dashboard.view import Viewer, data_state, parameters_of, table_page, table_view
from pipelines.config import Settings
from pipelines.csv_out import csv_text
from pipelines.errors import OutreachError, RefusedError

STATIC = Path(__file__).with_name("static")
VIEWERS_AT_ONCE = 40  # requests that run at the same time; others wait for their turn


def dashboard_app(settings: Settings) -> ASGIApp:
    """The dashboard over the published marts of these settings."""
    views = Views(settings)
    routes: list[BaseRoute] = [
        Route("/", lambda _: RedirectResponse("/funnel")),
        Route("/health", lambda _: Response("ok", media_type="text/plain")),
        *sign_in_routes(settings.dashboard),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/funnel/report.html", views.report),
        Route("/{page}", views.page),
        Route("/{page}/{table}.csv", views.download),
        Route("/{page}/{table}", views.table),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings.dashboard), www_redirect=False),
        *sign_in_middleware(settings.dashboard),
    ]
    handlers = {OutreachError: _on_error, HTTPException: _on_http_error, Exception: _on_defect}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=_lifespan)
    return SecurityHeaders(app, settings.dashboard)  # around everything: a failure has them, too


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = VIEWERS_AT_ONCE
    await anyio.to_thread.run_sync(charts.warm_up)
    yield


class Views:
    """What each address answers. The functions are synchronous, so each runs in a thread with a cursor of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._marts = Marts(settings)

    def page(self, request: Request) -> Response:
        """A whole page, with the first rows of its tables."""
        page, viewer = _page(request), _viewer(request)
        with self._marts.reading() as reader:
            choices, selection = _selected(request, page.filters, reader, viewer)
            figures = page.figures(reader, parameters_of(selection))
            tables = [table_view(reader, page.name, table, selection, viewer) for table in page.tables if table.on_page]
            state = data_state(self._settings, reader.version)
        return whole_page(request, page, selection, choices, figures, tables, state)

    def table(self, request: Request) -> Response:
        """One table alone, page by page."""
        page, viewer = _page(request), _viewer(request)
        table = _table(page, request)
        with self._marts.reading() as reader:
            choices, selection = _selected(request, (*page.filters, *table.filters), reader, viewer)
            view = table_page(reader, page.name, table, selection, viewer)
            state = data_state(self._settings, reader.version)
        if selection.page > view.pages:
            raise UnknownFilterError(f"There are {view.pages} pages.", next_step="Clear the filters and choose again.")
        return standalone_table(request, page, selection, choices, view, state)

    def download(self, request: Request) -> Response:
        """All rows and columns of a table as CSV, streamed, with personal data as masked as on the page."""
        page, viewer = _page(request), _viewer(request)
        table = _table(page, request)
        reading = ExitStack()
        try:
            reader = reading.enter_context(self._marts.reading())
            _, selection = _selected(request, (*page.filters, *table.filters), reader, viewer)
            lines = _csv(reader, table, selection, viewer)
            first = next(lines)  # what is wrong with the query shows before the answer begins
        except BaseException:
            reading.close()
            raise
        name = f"{page.name}_{table.name}_{reader.version.as_of_at:%Y-%m-%d}.csv"
        return StreamingResponse(
            _until_end(reading, chain([first], lines)),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def report(self, request: Request) -> Response:
        """The funnel as one file that needs nothing else, for people without access; it holds no personal data."""
        with self._marts.reading() as reader:
            choices, selection = _selected(request, funnel.PAGE.filters, reader, Viewer(sees_personal_data=False))
            html = report_of(self._settings, reader, selection, choices)
        name = f"funnel_{reader.version.as_of_at:%Y-%m-%d}.html"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)


def _page(request: Request) -> Page:
    page = PAGES.get(request.path_params["page"])
    if page is None:
        raise HTTPException(404)
    return page


def _table(page: Page, request: Request) -> Table:
    for table in page.tables:
        if table.name == request.path_params["table"]:
            return table
    raise HTTPException(404)


def _viewer(request: Request) -> Viewer:
    viewer: Viewer = request.state.viewer
    return viewer


def _selected(
    request: Request, filters: Sequence[Filter], reader: Reader, viewer: Viewer
) -> tuple[dict[str, list[Choice]], Selection]:
    """What the filters offer to this viewer, and what the URL selects of it."""
    choices = choices_of(filters, reader, shows_personal_data=viewer.sees_personal_data)
    return choices, read_selection(filters, request.query_params.multi_items(), choices)


def _csv(reader: Reader, table: Table, selection: Selection, viewer: Viewer) -> Iterator[str]:
    """The table as CSV, the header with the first rows."""
    columns, batches = reader.batches(table.sql, parameters_of(selection))
    yield csv_text([columns])
    for batch in batches:
        rows = batch if viewer.sees_personal_data else masked(batch)
        yield csv_text([row[column] for column in columns] for row in rows)


def _until_end(reading: ExitStack, lines: Iterable[str]) -> Iterator[str]:
    with reading:
        yield from lines


def _on_error(request: Request, error: Exception) -> Response:
    """A message instead of a page: 400 for what the URL asks, 503 where the data cannot be read."""
    known = cast(OutreachError, error)
    statuses = {UnknownFilterError: 400, RefusedError: 403}
    return message_page(request, statuses.get(type(known), 503), known.message, known.next_step)


def _on_http_error(request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    if status == 404:
        return message_page(request, 404, "There is no such page.", "Choose a page above.")
    return message_page(request, status, cast(HTTPException, error).detail, None)


def _on_defect(request: Request, _: Exception) -> Response:
    return message_page(request, 500, "This page failed, by a defect of the program.", "The server's log says where.")
