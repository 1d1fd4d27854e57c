"""Sending one message, by SMTP or to a webhook. A message keeps its id when it is sent again."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import httpx

from pipelines.config.running import Mail
from pipelines.errors import ConfigurationError, ServiceError
from pipelines.http.service import USER_AGENT

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Message:
    """What is sent to whom: ``recipient`` is an e-mail address, or the name of the setting that holds a URL."""

    key: str
    recipient: str
    subject: str
    body: str
    at: datetime

    @property
    def id(self) -> str:
        """The same for every attempt, so that a receiver can tell a repetition."""
        return hashlib.sha256(f"{self.key} {self.recipient}".encode()).hexdigest()[:32]


def send_email(mail: Mail, message: Message) -> None:
    """Hand a message over to the SMTP server.

    Raises:
        ConfigurationError: the server refuses our credentials or an address.
        ServiceError: the server cannot be reached, or does not take the message now.
    """
    content = EmailMessage()
    content["From"], content["To"], content["Subject"] = mail.sender, message.recipient, message.subject
    content["Date"] = format_datetime(message.at)
    content["Message-ID"] = f"<{message.id}@outreach-warehouse>"
    content["Auto-Submitted"] = "auto-generated"
    content.set_content(message.body)
    try:
        with connect_mail(mail) as server:
            server.send_message(content)
    except (OSError, smtplib.SMTPException) as error:
        raise as_mail_error(mail, error) from None


def connect_mail(mail: Mail) -> smtplib.SMTP:
    """A connection to the SMTP server, encrypted and signed in as configured; errors are those of smtplib."""
    context = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_SECONDS)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.username and mail.password:
            server.login(mail.username, mail.password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server


def as_mail_error(mail: Mail, error: Exception) -> ConfigurationError | ServiceError:
    """An error of smtplib as ours; no address is in it."""
    where = f"The SMTP server {mail.host}:{mail.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return ConfigurationError(
            f"{where} refuses our credentials.", next_step="Correct username and password of [mail]."
        )
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPRecipientsRefused):
        return ConfigurationError(
            f"{where} refuses the sender or the recipient.", next_step="Correct sender and recipients in the settings."
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        what = "a sign-in" if "AUTH" in str(error) else mail.security
        return ConfigurationError(f"{where} does not offer {what}.", next_step="Correct [mail] port and security.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"{where}: its certificate is not trusted ({error.verify_message}).",
            next_step="Correct [mail] host, or let SSL_CERT_FILE name your authority's certificates.",
        )
    if isinstance(error, ssl.SSLError):
        return ConfigurationError(
            f"{where} does not speak {mail.security} as expected.", next_step="Correct [mail] port and security."
        )
    return ServiceError(f"{where} cannot be used: {type(error).__name__}.", next_step="Check [mail] host and port.")


def post_webhook(setting: str, url: str, message: Message) -> None:
    """Post a message to a webhook; the URL may be a secret and never shows.

    Raises:
        ServiceError: it cannot be reached or does not answer with success.
    """
    content = {"key": message.key, "subject": message.subject, "text": f"{message.subject}\n{message.body}"}
    headers = {"User-Agent": USER_AGENT, "Idempotency-Key": message.id}
    try:
        answer = httpx.post(url, json=content, headers=headers, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(f"The webhook {setting} cannot be reached: {type(error).__name__}.") from None
    if not answer.is_success:
        raise ServiceError(
            f"The webhook {setting} answers {answer.status_code}.", next_step=f"Check {setting} in the settings."
        )
