"""What can be wrong with the data, the address or the viewer is said on a page, never by a failure of it."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from dashboard.app import dashboard_app
from dashboard.sign_in import check_host
from pipelines.config import Settings
from pipelines.errors import BuildError, ConfigurationError
from pipelines.operations.cadences import Kind, Step
from pipelines.operations.history import recorded_step
from pipelines.publish import published_version
from pipelines.runs import recorded_run
from pipelines.store import open_store


@pytest.fixture
def copy(settings: Settings, tmp_path: Path) -> Settings:
    """The same data, for a test that spoils them."""
    shutil.copytree(settings.published_dir, tmp_path / "published")
    return Settings(data_dir=tmp_path)


def open_dashboard(settings: Settings) -> TestClient:
    return TestClient(dashboard_app(settings), base_url="http://localhost")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/funnel?colour=red", "This page has no filter &#39;colour&#39;."),
        ("/funnel?gbu=Mars", "The data have no gbu &#39;Mars&#39;."),
        ("/funnel?gbu=Energy&gbu=Consumer", "in the address twice"),
        ("/funnel/members?page=0", "The value of &#39;page&#39; cannot be used"),
        ("/funnel/members?stage=%27%20or%201=1", "The data have no stage"),
        ("/sales.csv", "There is no such page."),
        ("/sales/nothing", "There is no such page."),
    ],
)
def test_an_address_that_means_nothing_is_answered_with_what_is_wrong(
    browser: TestClient, address: str, said: str
) -> None:
    answer = browser.get(address)
    assert answer.status_code in {400, 404}
    assert said in answer.text


def test_filters_that_are_left_open_are_none(browser: TestClient) -> None:
    assert browser.get("/funnel?gbu=&org=all").status_code == 200


def test_without_a_publication_the_page_says_what_to_run(tmp_path: Path) -> None:
    answer = open_dashboard(Settings(data_dir=tmp_path)).get("/funnel")
    assert answer.status_code == 503
    assert "Run outreach build." in answer.text


def test_a_file_that_is_gone_is_named(copy: Settings) -> None:
    published_version(copy).file.unlink()
    answer = open_dashboard(copy).get("/trust")
    assert answer.status_code == 503
    assert "is missing" in answer.text


def test_a_file_that_is_no_database_is_named(copy: Settings) -> None:
    published_version(copy).file.write_bytes(b"not a database at all, not at all" * 500)
    answer = open_dashboard(copy).get("/trust")
    assert answer.status_code == 503
    assert "cannot be opened" in answer.text


@pytest.mark.parametrize(
    "change", ["alter table marts.fct_funnel_by_slice drop column icp_tier", "drop table marts.fct_funnel_by_slice"]
)
@pytest.mark.parametrize("address", ["/funnel", "/funnel/stages", "/funnel/stages.csv", "/funnel/report.html"])
def test_a_file_older_than_the_program_is_called_so(copy: Settings, change: str, address: str) -> None:
    with duckdb.connect(str(published_version(copy).file)) as published:
        published.execute(change)
    answer = open_dashboard(copy).get(address)
    assert answer.status_code == 503
    assert "does not fit this program" in answer.text
    assert "Run outreach build" in answer.text


def test_the_next_request_reads_the_version_that_the_pointer_names_by_then(copy: Settings) -> None:
    browser = open_dashboard(copy)
    assert "2026-09-01 06:00" in browser.get("/trust").text
    old = published_version(copy)
    new = old.file.with_name("marts_new.duckdb")
    shutil.copy(old.file, new)
    pointer = copy.published_dir / "current.json"
    content = json.loads(pointer.read_text()) | {"file": new.name, "as_of_at": "2026-09-02T06:00:00+00:00"}
    pointer.write_text(json.dumps(content))
    old.file.unlink()
    assert "2026-09-02 06:00" in browser.get("/trust").text


@contextmanager
def step_of_a_cadence(engine: sa.Engine) -> Iterator[object]:
    with recorded_run(engine, "run full") as run, recorded_step(engine, run, Step(Kind.BUILD)) as summary:
        yield summary


@pytest.mark.parametrize("recorded", [lambda engine: recorded_run(engine, "build"), step_of_a_cadence])
def test_a_failed_build_is_said_with_the_age_of_the_data_until_one_succeeds(
    copy: Settings, recorded: Callable[[sa.Engine], AbstractContextManager[object]]
) -> None:
    engine = open_store(copy)
    browser = open_dashboard(copy)
    with pytest.raises(BuildError), recorded(engine):
        raise BuildError("a test failed")
    said = browser.get("/sales").text
    assert "failed (exit code 8) and published nothing" in said
    assert "You see the last good data, built " in said
    with recorded(engine):
        pass
    assert "failed (exit code" not in browser.get("/sales").text


def test_a_run_history_that_cannot_be_read_is_said_and_nothing_is_created(copy: Settings) -> None:
    browser = open_dashboard(copy)
    store = copy.data_dir / "operational_store.sqlite"
    assert "run history" not in browser.get("/sales").text
    assert not store.exists()
    store.write_text("this is no database" * 100)
    assert "The run history cannot be read" in browser.get("/sales").text


def test_a_build_that_is_running_disturbs_nobody(copy: Settings) -> None:
    engine = open_store(copy)
    with duckdb.connect(str(copy.warehouse_path)) as warehouse, recorded_run(engine, "build"):
        warehouse.execute("create table half_built as select 1 as one")
        answer = open_dashboard(copy).get("/funnel")
    assert answer.status_code == 200
    assert 'role="alert"' not in answer.text


def test_a_foreign_host_is_refused(browser: TestClient) -> None:
    assert browser.get("/funnel", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("address", ["/funnel", "/nothing", "/funnel?x=1", "/static/style.css", "/funnel/stages.csv"])
def test_every_answer_forbids_foreign_and_inline_code(browser: TestClient, address: str) -> None:
    headers = browser.get(address).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert ("no-store" in headers.get("cache-control", "")) != address.startswith("/static/")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "dashboard.example", "::"])  # noqa: S104
def test_without_sign_in_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        check_host(Settings().dashboard, host)
    assert "no sign-in is configured" in error.value.message
    check_host(Settings().dashboard, "127.0.0.1")
    check_host(Settings().dashboard, "::1")


def test_a_defect_is_answered_without_its_details(copy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.app.data_state", lambda *_: 1 / 0)
    browser = TestClient(dashboard_app(copy), base_url="http://localhost", raise_server_exceptions=False)
    answer = browser.get("/funnel")
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
