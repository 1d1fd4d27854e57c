"""The dashboard in a real Chromium: figures, links, filters, downloads, the console, and a narrow window."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from dashboard.app import dashboard_app
from dashboard.filters import selection_type
from dashboard.pages import PAGES
from dashboard.tables import Column, Table, percent
from dashboard.view import parameters_of
from pipelines.config import Settings
from pipelines.publish import open_published
from tests.fixtures.published_marts import publish_example

# Texts whose contrast to what is behind them is less than WCAG's 4.5 to 1 (level AA).
WEAK_TEXTS = """
() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => numbers(colour).slice(0, 3).map(c => c / 255)
    .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [.2126, .7152, .0722][place], 0) + .05;
  const behind = one => {
    const colour = getComputedStyle(one).backgroundColor;
    return numbers(colour).length < 4 ? colour : behind(one.parentElement);
  };
  const ratio = (a, b) => Math.max(a, b) / Math.min(a, b);
  const shown = [...document.querySelectorAll("body *:not(.hidden, .skip)")].filter(one => one.getClientRects().length
    && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return shown.filter(one => {
    const style = getComputedStyle(one);
    return ratio(light(one instanceof SVGElement ? style.fill : style.color), light(behind(one))) < 4.5;
  }).map(one => `${one.className} ${one.textContent}`);
}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_example(tmp_path_factory.mktemp("browsed"))


@pytest.fixture(scope="module")
def marts(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(settings) as connection:
        yield connection


@pytest.fixture
def window(chromium: Browser, serve: Callable[..., str], settings: Settings) -> Iterator[Page]:
    """A window at the dashboard; fails if its console ever says an error."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(message.text)

    context = chromium.new_context(base_url=serve(dashboard_app(settings)), viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def test_each_page_shows_the_figures_of_the_marts(window: Page, marts: duckdb.DuckDBPyConnection) -> None:
    for name, page in PAGES.items():
        window.goto(f"/{name}")
        expect(window.locator("h1")).to_have_text(page.title)
        for table in (one for one in page.tables if one.on_page):
            assert shown_numbers(window, table) == numbers_in_marts(marts, name, table), f"{name}: {table.title}"
    assert window.locator("header nav a").count() == len(PAGES)


def test_the_head_of_the_funnel_is_the_mart_s_whole(window: Page, marts: duckdb.DuckDBPyConnection) -> None:
    people, contacted, replied = marts.execute(
        "select count(distinct org || lead_id), count(distinct org || lead_id) filter (first_sent_at is not null),"
        " count(distinct org || lead_id) filter (first_replied_at is not null) from dim_campaign_members"
    ).fetchall()[0]
    window.goto("/")
    assert window.locator(".figures b").all_inner_texts()[:3] == [
        f"{people}",
        f"{contacted}",
        f"{replied / contacted * 100:.1f} %",
    ]


def test_every_filter_narrows_its_page_and_stays_in_the_address(window: Page) -> None:
    for name, page in PAGES.items():
        for one in page.filters:
            window.goto(f"/{name}")
            choice = window.get_by_label(one.label, exact=True)
            value = choice.locator("option").nth(1).get_attribute("value")
            choice.select_option(value)
            window.get_by_role("button", name="Apply").click()
            expect(window.get_by_label(one.label, exact=True)).to_have_value(value or "")
            assert f"{one.name}=" in window.url
        window.get_by_role("link", name="Clear").click()
        assert window.url.endswith(f"/{name}")


def test_from_a_stage_to_its_members_and_through_their_pages(window: Page) -> None:
    window.goto("/funnel")
    window.get_by_role("link", name="Eligible").click()
    expect(window.locator("h1")).to_have_text("Members")
    shown = window.locator("tbody tr").count()
    for page in (2, 3):
        window.get_by_role("link", name="Next").click()
        expect(window.locator(".pager")).to_contain_text(f"page {page} of 3")
        shown += window.locator("tbody tr").count()
    expect(window.locator(".pager")).to_contain_text(f"{shown} rows")
    window.get_by_role("link", name="Funnel").last.click()
    expect(window.locator("h1")).to_have_text("Funnel")


def test_tables_download_as_csv(window: Page, marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name, page in PAGES.items():
        table = page.tables[0]
        window.goto(f"/{name}")
        with window.expect_download() as download:
            window.get_by_role("link", name=f"CSV of {table.title}", exact=True).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        with file.open(newline="") as content:
            assert len(list(csv.DictReader(content))) == len(rows_in_marts(marts, name, table)) > 0, file.name


def test_a_narrow_window_has_nothing_to_scroll_sideways(window: Page) -> None:
    window.set_viewport_size({"width": 375, "height": 800})
    for address in [*PAGES, "funnel/members", "trust/blocked_records", "funnel?gbu=Energy&org=core"]:
        window.goto(f"/{address}")
        assert window.evaluate("document.documentElement.scrollWidth") == 375, address


def test_the_keyboard_reaches_content_and_tables_and_each_chart_has_words(window: Page) -> None:
    window.goto("/funnel")
    window.keyboard.press("Tab")
    expect(window.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(25):
        window.keyboard.press("Tab")
        outline = window.evaluate("getComputedStyle(document.activeElement).outline")
        assert "solid 2px" in outline, window.evaluate("document.activeElement.outerHTML")
    charts = window.get_by_role("img")
    assert charts.count() == 2
    assert all("its figures are in the table below" in (one.get_attribute("aria-label") or "") for one in charts.all())
    assert window.locator("section h2").count() == window.locator("section[aria-labelledby]").count()
    assert window.locator("th:not([scope])").count() == 0


@pytest.mark.parametrize(("scheme", "page_colour"), [("light", "rgb(246, 247, 249)"), ("dark", "rgb(18, 22, 27)")])
def test_every_text_stands_out_from_what_is_behind_it(
    window: Page, scheme: Literal["light", "dark"], page_colour: str
) -> None:
    window.emulate_media(color_scheme=scheme)
    for address in [*PAGES, "funnel?gbu=Energy", "funnel/members"]:
        window.goto(f"/{address}")
        assert window.evaluate("getComputedStyle(document.documentElement).backgroundColor") == page_colour
        assert window.evaluate(WEAK_TEXTS) == [], address


def test_the_report_opens_from_a_file_and_asks_nobody_for_anything(
    chromium: Browser, window: Page, tmp_path: Path
) -> None:
    window.goto("/funnel?gbu=Energy")
    with window.expect_download() as download:
        window.get_by_role("link", name="Report (HTML)").click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(file.as_uri())
    assert page.get_by_text("GBU: Energy").count() == 1
    assert page.locator("svg").count() > 2
    assert requested == [file.as_uri()]
    context.close()


def rows_in_marts(marts: duckdb.DuckDBPyConnection, page: str, table: Table) -> list[dict[str, Any]]:
    everything = parameters_of(selection_type(PAGES[page].filters)())
    named = {name: value for name, value in everything.items() if f"${name}" in table.sql}
    return marts.execute(table.sql, named).to_arrow_table().to_pylist()


def numbers_in_marts(marts: duckdb.DuckDBPyConnection, page: str, table: Table) -> list[list[float | None]]:
    rows = rows_in_marts(marts, page, table)[: table.preview_rows]
    return [[_rounded(row[column.key], column) for column in table.columns if column.is_number] for row in rows]


def shown_numbers(window: Page, table: Table) -> list[list[float | None]]:
    """The numbers of a table as a person reads them, percentages as shares."""
    rows = window.locator(f"#{table.name}-table tbody tr")
    number_cells = "[...row.querySelectorAll('td.number > :is(span, a)')]"
    cells = rows.evaluate_all(f"rows => rows.map(row => {number_cells}.map(cell => cell.innerText))")
    return [[_read(text) for text in row] for row in cells]


def _read(text: str) -> float | None:
    if text == "–":
        return None
    number = float(re.sub(r"[^\d.-]", "", text))
    return round(number / 100, 3) if text.endswith("%") else round(number, 1)


def _rounded(value: float | None, column: Column) -> float | None:
    return None if value is None else round(float(value), 3 if column.format is percent else 1)
