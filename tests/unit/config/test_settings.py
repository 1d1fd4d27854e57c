"""Settings: the environment wins over the secrets file, and what is missing is named with the way to set it."""

from pathlib import Path

import pytest

from pipelines.config import DEMO_MARKER, load_settings
from pipelines.config import secrets_file as secrets_file_in_force
from pipelines.errors import ConfigurationError

SECRETS = """
[salesforce.iCare]
login_url = "https://icare.example"
client_id = "id"
client_secret = "from-file"

[smartlead]
api_key = "key"
"""


@pytest.fixture(autouse=True)
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "secrets.toml"
    file.write_text(SECRETS)
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(file))
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path / "data"))
    return file


def test_the_secrets_file_is_read_and_org_names_are_lower_case() -> None:
    org = load_settings().salesforce_org("icare")
    assert org.client_secret is not None
    assert org.client_secret.get_secret_value() == "from-file"


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMARTLEAD__API_KEY", "from-environment")
    assert load_settings().require_smartlead().api_key.get_secret_value() == "from-environment"


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "from-file" not in repr(load_settings())
    assert "'key'" not in repr(load_settings())


def test_a_missing_org_says_how_to_set_it() -> None:
    with pytest.raises(ConfigurationError) as error:
        load_settings().salesforce_org("core")
    assert "OUTREACH_SALESFORCE__CORE__LOGIN_URL" in (error.value.next_step or "")


def test_a_missing_section_says_how_to_set_it() -> None:
    with pytest.raises(ConfigurationError) as error:
        load_settings().require_clay()
    assert "OUTREACH_CLAY__API_KEY" in (error.value.next_step or "")


def test_a_value_of_the_wrong_form_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMARTLEAD__REQUESTS_PER_MINUTE", "many")
    with pytest.raises(ConfigurationError, match=r"smartlead\.requests_per_minute"):
        load_settings()


def test_a_file_that_is_not_toml_is_named(secrets_file: Path) -> None:
    secrets_file.write_text("[salesforce")
    with pytest.raises(ConfigurationError, match=r"secrets\.toml cannot be read"):
        load_settings()


def test_outside_of_the_project_nothing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"no dbt_project\.yml in") as error:
        load_settings()
    assert "OUTREACH_PROJECT_DIR" in (error.value.next_step or "")
    assert error.value.exit_code == 3


def test_what_is_relative_belongs_to_the_configured_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path.cwd()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OUTREACH_DATA_DIR")
    monkeypatch.setenv("OUTREACH_PROJECT_DIR", str(project))
    assert load_settings().warehouse_path == project / "data" / "warehouse.duckdb"
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path / "elsewhere"))
    assert load_settings().warehouse_path == tmp_path / "elsewhere" / "warehouse.duckdb"
    monkeypatch.delenv("OUTREACH_SECRETS_FILE")
    assert secrets_file_in_force() == project / ".dlt" / "secrets.toml"


def test_real_services_are_not_connected_to_what_a_demo_has_made(
    secrets_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(data_dir))
    (data_dir / "sandbox").mkdir(parents=True)
    (data_dir / DEMO_MARKER).touch()
    settings = load_settings()
    for connect in (lambda: settings.salesforce_org("icare"), settings.require_smartlead):
        with pytest.raises(ConfigurationError, match="the next demo deletes it") as caught:
            connect()
        assert "OUTREACH_DATA_DIR" in (caught.value.next_step or "")
    of_the_sandbox = data_dir / "sandbox" / "secrets.toml"
    of_the_sandbox.write_text(secrets_file.read_text())
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(of_the_sandbox))
    assert load_settings().salesforce_org("icare") == settings.salesforce["icare"]
    (data_dir / DEMO_MARKER).unlink()
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(secrets_file))
    assert load_settings().require_smartlead() == settings.smartlead
