"""How our own parts run: what listens where, how a push goes about it, who is told what, where Spark computes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, HttpUrl, SecretStr, StringConstraints, model_validator

from pipelines.listening import is_loopback

EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")]


class Receiver(BaseModel):
    """Where webhooks and callbacks arrive, and the secret that each source must show."""

    host: str = "127.0.0.1"
    port: int = 8787
    smartlead_secret: SecretStr
    clay_secret: SecretStr
    requests_per_second: int = Field(5_000, ge=1, description="of each source; more are asked to come back later")


class SignIn(BaseModel):
    """Sign-in to the dashboard by OpenID Connect, and what the claims of the provider let a viewer see."""

    issuer: str = Field(description="URL under which the provider publishes .well-known/openid-configuration")
    client_id: str
    client_secret: SecretStr
    session_secret: SecretStr = Field(min_length=32, description="signs the session cookie; any long random text")
    scope: str = "openid profile"
    role_claim: str = Field("roles", description="the claim of the ID token that lists the roles")
    viewer_roles: list[str] = Field(min_length=1, description="who may look; personal data stay masked")
    personal_data_roles: list[str] = Field(default_factory=list, description="who sees names and addresses, too")
    session_hours: float = Field(8, gt=0)


class Dashboard(BaseModel):
    """Where the dashboard listens. Without sign-in it is for this machine only."""

    host: str = "127.0.0.1"
    port: int = 8788
    public_url: HttpUrl | None = Field(default=None, description="as browsers reach it, through the proxy with TLS")
    shows_personal_data: bool = Field(default=False, description="without sign-in: whether viewers see personal data")
    sign_in: SignIn | None = None

    @model_validator(mode="after")
    def _sign_in_has_an_address(self) -> Dashboard:
        if self.sign_in is None:
            return self
        if self.public_url is None:
            raise ValueError("sign_in needs public_url, the address that browsers come back to")
        if self.public_url.scheme != "https" and not is_loopback(self.public_url.host or ""):
            raise ValueError("public_url must begin with https://, because the session cookie travels over it")
        return self


class Push(BaseModel):
    """How a push goes about it: sizes and patience."""

    canary_records: int = Field(
        default=5, ge=0, description="records of each lane that go first and are read back whole"
    )
    records_per_update: int = Field(default=200, ge=1, le=200, description="Salesforce takes 200 at once")
    requests_at_once: int = Field(
        default=5, ge=1, le=20, description="of one org under way; Salesforce refuses long ones from 25 on"
    )
    bulk_from_records: int = Field(
        default=10_000, ge=1, description="more go by Bulk, where fields only ever go to true"
    )
    attempts: int = Field(default=5, ge=1, description="how often a record is tried in one push")
    first_wait_seconds: float = Field(
        default=1.0, description="before the second attempt; doubled for each further one"
    )
    longest_wait_seconds: float = Field(default=60.0, description="between two attempts")
    longest_job_seconds: float = Field(default=3600.0, description="after which a Bulk job is stuck and aborted")
    failures_at_least: int = Field(default=20, ge=1, description="how many failures it takes to stop, and")
    failure_share: float = Field(default=0.2, ge=0, le=1, description="which share of what was sent")


class Mail(BaseModel):
    """The SMTP server that alerts and notices leave by."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: EmailAddress


class Alerts(BaseModel):
    """Who is told when a run fails or something gets stale, and when that is over."""

    webhook_url: SecretStr | None = Field(default=None, description="takes a JSON object with text, subject and key")
    email_to: list[EmailAddress] = Field(default_factory=list)


class Notices(BaseModel):
    """How the owner of a lead is told of a positive reply, and reminded before its SLA runs out."""

    email_owner: bool = Field(default=False, description="to the owner's address in Salesforce")
    copy_to: list[EmailAddress] = Field(default_factory=list)
    webhook_url: SecretStr | None = Field(default=None, description="takes a JSON object with text, subject and key")
    remind_before_hours: float = Field(default=2, gt=0, description="how long before the SLA runs out")


class Spark(BaseModel):
    """Where Spark runs and keeps its tables; ``profiles.yml`` reads the same variables, with the same defaults."""

    master: str = Field(default="local[2]", description="as spark://host:7077; local[2] is two threads of this machine")
    warehouse: str | None = Field(default=None, description="a folder that every worker sees, or a URL as s3a://…")
    lost_workers_minutes: float = Field(
        default=10, gt=0, description="how long a build waits for the first to come back"
    )
    host: str = Field(default="localhost", description="of the Thrift endpoint, for the target spark_thrift")
    port: int = 10000
