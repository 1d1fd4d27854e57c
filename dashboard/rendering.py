"""From views to HTML: Jinja's templates, which escape everything that is not the program's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dashboard.filters import Choice, Filter, Selection
from dashboard.page import Page
from dashboard.pages import PAGES
from dashboard.tables import Figure, moment, number
from dashboard.view import DataState, TableView, href

STYLE = Path(__file__).with_name("static") / "style.css"
_environment = Environment(
    loader=PackageLoader("dashboard"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"moment": moment, "number": number}
_environment.globals["href"] = href


def whole_page(
    request: Request,
    page: Page,
    selection: Selection,
    choices: Mapping[str, Sequence[Choice]],
    figures: list[Figure],
    tables: list[TableView],
    state: DataState,
) -> Response:
    """A page with its filters, figures and tables."""
    return _html(
        request,
        "page.html",
        page=page,
        filters=page.filters,
        choices=choices,
        selected=selection.filters,
        figures=figures,
        tables=tables,
        state=state,
    )


def standalone_table(
    request: Request,
    page: Page,
    selection: Selection,
    choices: Mapping[str, Sequence[Choice]],
    view: TableView,
    state: DataState,
) -> Response:
    """One table alone, with its pages."""
    own = {one.name for one in page.filters}
    return _html(
        request,
        "table.html",
        page=page,
        filters=(*page.filters, *view.table.filters),
        choices=choices,
        selected=selection.filters,
        page_selected={name: value for name, value in selection.filters.items() if name in own},
        view=view,
        number_of_page=selection.page,
        state=state,
    )


def message_page(request: Request, status: int, message: str, next_step: str | None) -> Response:
    """A page that says what is wrong and what to do."""
    return _html(request, "message.html", status=status, message=message, next_step=next_step or "", page=None)


def report_html(
    page: Page, chosen: list[tuple[Filter, str]], figures: list[Figure], tables: list[TableView], state: DataState
) -> str:
    """The funnel as one file: styles and charts inside, links and requests to nowhere."""
    template = _environment.get_template("report.html")
    return template.render(
        page=page, chosen=chosen, figures=figures, tables=tables, state=state, style=STYLE.read_text(), links=False
    )


def _html(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    viewer = getattr(request.state, "viewer", None)
    content = _environment.get_template(template).render(
        viewer=viewer, pages=PAGES.values(), links=True, path=request.url.path, status=status, **context
    )
    return HTMLResponse(content, status)
