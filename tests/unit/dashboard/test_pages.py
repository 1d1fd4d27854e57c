"""What the pages show is what the marts say."""

import csv
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboard.app import dashboard_app
from dashboard.filters import UnknownFilterError
from dashboard.pages import PAGES
from dashboard.report import funnel_report
from pipelines.config import Settings
from tests.fixtures.published_marts import FORMULA

Marts = Callable[..., list[tuple[Any, ...]]]
ADDRESSES = [f"/{page.name}/{table.name}" for page in PAGES.values() for table in page.tables]


def csv_rows(browser: TestClient, address: str) -> list[dict[str, str]]:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize("address", [f"/{name}" for name in PAGES])
def test_a_page_shows_all_its_tables(browser: TestClient, address: str) -> None:
    answer = browser.get(address)
    assert answer.status_code == 200
    for table in PAGES[address[1:]].tables:
        assert f'id="{table.name}"' in answer.text or not table.on_page


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_table_alone_and_its_download_have_the_same_rows(browser: TestClient, address: str) -> None:
    page = browser.get(address)
    assert page.status_code == 200
    shown = re.search(r"<span>([\d,]+) rows", page.text)
    assert len(csv_rows(browser, f"{address}.csv")) == (int(shown.group(1).replace(",", "")) if shown else 0)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", "true"),
        ("org=icare", "members.org = 'icare'"),
        ("campaign=icare:C1", "members.org = 'icare' and members.campaign_id = 'C1'"),
        ("gbu=unknown", "gbu is null"),
        ("tier=B&gbu=Energy", "icp_tier = 'B' and gbu = 'Energy'"),
        ("week=2026-08-10", "date_trunc('week', first_sent_at) = date '2026-08-10'"),
        ("week=none", "first_sent_at is null"),
        ("org=core&campaign=icare:C1", "false"),
    ],
)
def test_the_funnel_counts_the_people_who_match_the_filters(
    browser: TestClient, marts: Marts, query: str, condition: str
) -> None:
    expected = marts(
        "select count(distinct members.org || lead_id),"
        " count(distinct members.org || lead_id) filter (stage = 'positive')"
        " from dim_campaign_members as members left join fct_lead_enrichment as enrichment using (org, lead_id)"
        f" where {condition}"
    )[0]
    people = {row["stage"]: int(row["people"]) for row in csv_rows(browser, f"/funnel/stages.csv?{query}")}
    assert (people.get("member", 0), people.get("positive", 0)) == expected
    members = csv_rows(browser, f"/funnel/members.csv?{query}&stage=positive")
    assert len({(row["org"], row["lead_id"]) for row in members}) == expected[1]


def test_every_link_of_every_page_leads_somewhere(browser: TestClient) -> None:
    links = {
        link.replace("&amp;", "&")
        for name in PAGES
        for link in re.findall(r'href="(/[^"]*)"', browser.get(f"/{name}").text)
    }
    assert {"/funnel/members?stage=replied", "/funnel?campaign=icare%3AC1", "/funnel?week=2026-08-10"} <= links
    assert {link: browser.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_members_come_in_pages(browser: TestClient, marts: Marts) -> None:
    answers = [browser.get(f"/funnel/members?page={page}").text for page in (1, 2, 3)]
    ids = [re.findall(r"00v\d{12}AAA", answer) for answer in answers]
    assert [len(page) for page in ids] == [50, 50, 20]
    assert [one for page in ids for one in page] == [
        row[0]
        for row in marts(
            "select campaign_member_id from fct_funnel_stage_events where stage = 'member'"
            " order by reached_at desc nulls last, org, campaign_member_id"
        )
    ]
    assert browser.get("/funnel/members?page=4").status_code == 400


def test_personal_data_are_masked_on_pages_and_in_downloads(browser: TestClient) -> None:
    for address in [*ADDRESSES, *(f"{one}.csv" for one in ADDRESSES), *(f"/{name}" for name in PAGES)]:
        text = browser.get(address).text
        for personal in ("First1", "Last1", "person1", "Rita Rep", "sam.winter"):
            assert personal not in text, address
    assert "•••@reach.example" in browser.get("/deliverability").text


def test_a_viewer_who_may_see_personal_data_sees_them_and_no_cell_of_a_download_is_a_formula(
    settings: Settings,
) -> None:
    shown = settings.model_copy(
        update={"dashboard": settings.dashboard.model_copy(update={"shows_personal_data": True})}
    )
    with TestClient(dashboard_app(shown), base_url="http://localhost") as browser:
        rows = csv_rows(browser, "/funnel/members.csv?campaign=icare:C2")
        assert "person3@lead3.example" in {row["email"] for row in rows}
        assert f"'{FORMULA}" in {row["person"].split(" ")[0] for row in rows}
        assert "Rita Rep of icare" in browser.get("/sales").text


def test_a_name_that_looks_like_markup_stays_text(browser: TestClient) -> None:
    answer = browser.get("/funnel", params={"gbu": "<script>alert(1)</script>"})
    assert answer.status_code == 400
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_hundred_viewers_at_once_get_the_same_page(browser: TestClient) -> None:
    with ThreadPoolExecutor(100) as viewers:
        answers = list(viewers.map(lambda _: browser.get("/funnel"), range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({re.sub(r"built [^<]*", "", answer.text) for answer in answers}) == 1


def test_the_report_stands_alone_and_names_its_filters(settings: Settings, browser: TestClient) -> None:
    report = funnel_report(settings, "701 C1")
    assert "Campaign: <b>701 C1 (icare)</b>" in report
    assert "<svg" in report
    assert " ago" not in report  # nobody knows when it is read
    assert not re.search(r"""(href|src|action)=|url\((?!#)|@import""", report)
    assert browser.get("/funnel/report.html?campaign=icare:C1").text == report
    with pytest.raises(UnknownFilterError, match="No AI campaign is called '701'"):
        funnel_report(settings, "701")
