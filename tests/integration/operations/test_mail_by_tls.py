"""Mail to a server that speaks TLS only, whose certificate an authority of our own has signed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from pipelines.config.running import Mail
from pipelines.errors import ConfigurationError
from pipelines.operations.channels import Message, send_email
from sandbox.salesforce.certificates import CA_FILE, make_server_certificate
from tests.integration.operations.conftest import Post, free_port, sign_in

MESSAGE = Message("k", "ops@corp.example", "Outreach: a test", "It works.", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("mail")
    make_server_certificate(directory, ("localhost",))
    return directory / CA_FILE


@pytest.fixture(scope="module")
def servers(authority: Path) -> Iterator[dict[str, Post]]:
    """A server for each way to encrypt; neither can be spoken to in clear text."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*sorted(authority.parent.glob("*server*.pem"), reverse=True))
    ways = {
        "starttls": {"tls_context": context, "require_starttls": True},
        "tls": {"ssl_context": context, "auth_require_tls": False},  # aiosmtpd means STARTTLS by that
    }
    posts = {way: Post(free_port()) for way in ways}
    with ExitStack() as running:
        for way, options in ways.items():
            controller = Controller(posts[way], "localhost", posts[way].port, authenticator=sign_in, **options)
            controller.start()
            running.callback(controller.stop)
        yield posts


def mail_to(post: Post, security: str) -> Mail:
    return Mail.model_validate(
        {
            "host": "localhost",
            "port": post.port,
            "security": security,
            "username": "u",
            "password": "hunter2",
            "sender": "outreach@corp.example",
        }
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_signs_in_and_delivers(servers, authority, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    send_email(mail_to(servers[security], security), MESSAGE)
    assert [mail["Subject"] for mail in servers[security].mails] == ["Outreach: a test"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_nothing(servers, security: str) -> None:
    with pytest.raises(ConfigurationError, match="certificate is not trusted") as caught:
        send_email(mail_to(servers[security], security), MESSAGE)
    assert "SSL_CERT_FILE" in str(caught.value.next_step)


@pytest.mark.parametrize(("security", "words"), [("tls", "does not speak tls"), ("none", "does not offer a sign-in")])
def test_another_way_to_encrypt_than_the_server_s_is_named(servers, security: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        send_email(mail_to(servers["starttls"], security), MESSAGE)
    assert "security" in str(caught.value.next_step)
