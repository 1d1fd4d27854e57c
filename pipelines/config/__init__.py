"""Settings: where things live and how to reach the services.

Read from the environment (``OUTREACH_…``, nested with ``__``), then from the secrets file that dlt uses
(``.dlt/secrets.toml``, or the file that ``OUTREACH_SECRETS_FILE`` names). Policy is not here: it is reviewed data in
``seeds/``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipelines.config.running import Alerts, Dashboard, Mail, Notices, Push, Receiver, Spark
from pipelines.config.services import Clay, ClayLookups, HubSpot, SalesforceOrg, Smartlead
from pipelines.errors import ConfigurationError

SECRETS_VARIABLE = "OUTREACH_SECRETS_FILE"
PROJECT_VARIABLE = "OUTREACH_PROJECT_DIR"
PROJECT_FILE = "dbt_project.yml"
DEMO_MARKER = ".made_by_demo"
Section = TypeVar("Section")


def secrets_file() -> Path:
    """The secrets file in force: the one ``OUTREACH_SECRETS_FILE`` names, else dlt's own."""
    project_dir = Path(os.environ.get(PROJECT_VARIABLE, ""))
    return Path(os.environ.get(SECRETS_VARIABLE, project_dir / ".dlt" / "secrets.toml"))


class Settings(BaseSettings):
    """Everything that differs between machines. Sections that a command does not need may be absent."""

    model_config = SettingsConfigDict(env_prefix="OUTREACH_", env_nested_delimiter="__", extra="ignore")

    project_dir: Path = Field(default=Path(), description="where dbt_project.yml is; by default the current directory")
    data_dir: Path = Field(default=Path("data"), description="relative to project_dir")
    store_url: str | None = None
    warehouse: Path | None = Field(default=None, description="relative to project_dir; by default in data_dir")
    raw_url: str | None = Field(
        default=None,
        description="where the raw tables land as parquet, too: a folder, relative to project_dir, or a URL as s3://…",
    )
    target: Literal["duckdb", "spark", "spark_thrift"] = Field(
        default="duckdb", description="the engine that builds the models"
    )
    spark: Spark = Spark()
    user: str | None = Field(default=None, description="who plans and approves; by default the system's user")
    plan_hours: float = Field(default=24, gt=0, description="how long a write-back plan may be pushed")
    erasure_key: SecretStr | None = Field(
        default=None, min_length=32, description="recognises people who were erased; by default a file in data_dir"
    )
    salesforce: dict[str, SalesforceOrg] = Field(default_factory=dict)
    smartlead: Smartlead | None = None
    clay: Clay | None = None
    hubspot: HubSpot | None = None
    push: Push = Field(default_factory=Push)
    receiver: Receiver | None = None
    mail: Mail | None = None
    alerts: Alerts = Alerts()
    notices: Notices = Notices()
    dashboard: Dashboard = Dashboard()

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> Settings:
        wants_mail = self.alerts.email_to or self.notices.email_owner or self.notices.copy_to
        if wants_mail and self.mail is None:
            raise ValueError("alerts or notices go by e-mail, but no [mail] section says through which host")
        return self

    @model_validator(mode="after")
    def _paths_are_those_of_the_project(self) -> Settings:
        self.data_dir = self.project_dir / self.data_dir
        self.warehouse = self.project_dir / self.warehouse if self.warehouse else None
        if self.raw_url and "://" not in self.raw_url:
            self.raw_url = str((self.project_dir / self.raw_url).absolute())
        return self

    @field_validator("salesforce")
    @classmethod
    def _lower_case_orgs(cls, value: dict[str, SalesforceOrg]) -> dict[str, SalesforceOrg]:
        return {name.lower(): org for name, org in value.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the secrets file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, secrets_file())

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that dlt loads and dbt builds; the same default as in ``profiles.yml``."""
        return self.warehouse or self.data_dir / "warehouse.duckdb"

    @property
    def spark_warehouse(self) -> str:
        """The folder or URL of what Spark builds, as ``<schema>/<table>``; the same default as in ``profiles.yml``."""
        place = self.spark.warehouse
        if place and "://" in place:
            return place
        return str((self.project_dir / place if place else self.data_dir / "spark").absolute())

    @property
    def operational_store_url(self) -> str:
        """SQLAlchemy URL of inbox, ledger and run history."""
        return self.store_url or f"sqlite:///{self.data_dir / 'operational_store.sqlite'}"

    @property
    def published_dir(self) -> Path:
        """Where the versions of the published marts and their pointer live."""
        return self.data_dir / "published"

    @property
    def plans_dir(self) -> Path:
        """Where write-back plans are kept."""
        return self.data_dir / "plans"

    def salesforce_org(self, org: str) -> SalesforceOrg:
        """The connection of one org.

        Raises:
            ConfigurationError: no credentials are configured for it, or the data directory is a demo's.
        """
        if org not in self.salesforce:
            raise ConfigurationError(
                f"No credentials for the Salesforce org '{org}'.",
                next_step=f"Set OUTREACH_SALESFORCE__{org.upper()}__LOGIN_URL, __CLIENT_ID and __CLIENT_SECRET, "
                f"or a [salesforce.{org}] table in {secrets_file()}.",
            )
        self._refuse_the_data_of_a_demo()
        return self.salesforce[org]

    def require_smartlead(self) -> Smartlead:
        """Smartlead's connection, or a ConfigurationError that says how to set it."""
        return self._service(self.smartlead, "smartlead", "API_KEY")

    def require_clay(self) -> Clay:
        """Clay's connection, or a ConfigurationError that says how to set it."""
        return self._service(self.clay, "clay", "API_KEY")

    def _service(self, section: Section | None, name: str, key: str) -> Section:
        configured = _required(section, name, key)
        self._refuse_the_data_of_a_demo()
        return configured

    def _refuse_the_data_of_a_demo(self) -> None:
        """A demo's directory is the next demo's to delete, so real services are not connected to it."""
        is_a_demos = (self.data_dir / DEMO_MARKER).exists()
        if is_a_demos and not secrets_file().resolve().is_relative_to(self.data_dir.resolve()):
            raise ConfigurationError(
                f"{self.data_dir} holds what a demo has made, and the next demo deletes it.",
                next_step=f"Set OUTREACH_DATA_DIR to another directory, or empty this one, {DEMO_MARKER} too.",
            )

    def require_clay_lookups(self) -> tuple[Clay, ClayLookups]:
        """Clay's connection with its lookups, or a ConfigurationError that says how to set them."""
        clay = self.require_clay()
        return clay, _required(clay.lookups, "clay.lookups", "API_KEY and __CREDIT_BUDGET")

    def require_receiver(self) -> Receiver:
        """The receiver's settings, or a ConfigurationError that says how to set them."""
        return self._service(self.receiver, "receiver", "SMARTLEAD_SECRET")

    def require_mail(self) -> Mail:
        """The SMTP server, or a ConfigurationError that says how to set it."""
        return _required(self.mail, "mail", "HOST")

    def webhook(self, setting: str) -> str:
        """The URL of a webhook by the name of its setting, such as ``alerts.webhook_url``.

        Raises:
            ConfigurationError: it is not configured any more.
        """
        urls: dict[str, SecretStr | None] = {
            "alerts.webhook_url": self.alerts.webhook_url,
            "notices.webhook_url": self.notices.webhook_url,
        }
        section, _, key = setting.partition(".")
        url: SecretStr = _required(urls.get(setting), section, key.upper())
        return url.get_secret_value()


def _required(section: Section | None, name: str, key: str) -> Section:
    if section is None:
        variable = f"OUTREACH_{name.upper().replace('.', '__')}__{key}"
        raise ConfigurationError(
            f"Nothing is configured for {name}.",
            next_step=f"Set {variable}, or a [{name}] table in {secrets_file()}.",
        )
    return section


def load_settings() -> Settings:
    """Read and check the settings.

    Raises:
        ConfigurationError: a value is missing or has the wrong form; names each one. Or this is not the project
            directory, and none is configured.
    """
    settings = _read_settings()
    if "project_dir" not in settings.model_fields_set and not Path(PROJECT_FILE).exists():
        raise ConfigurationError(
            f"This is not the project directory (no {PROJECT_FILE} in {Path.cwd()}).",
            next_step=f"cd to the project directory, or set {PROJECT_VARIABLE} to it.",
        )
    return settings


def _read_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(
            f"Settings cannot be used: {problems}.",
            next_step=f"Correct the OUTREACH_… environment variables or {secrets_file()}.",
        ) from None
    except ValueError as error:  # a TOML file that cannot be parsed
        raise ConfigurationError(
            f"{secrets_file()} cannot be read: {error}.", next_step="Correct the file; it must be valid TOML."
        ) from None
