"""How the services and the loaders find each other: URLs, credentials, and the files that carry them."""

from __future__ import annotations

from typing import Any

from sandbox.description import ORGS, Sandbox
from sandbox.salesforce.certificates import CA_FILE, PRIVATE_KEY_FILE, PUBLIC_KEY_FILE
from sandbox.world.catalog import CLAY_TABLES
from sandbox.world.ids import salesforce_id
from sandbox.world.setup import BYPASS


def connections(sandbox: Sandbox) -> list[dict[str, str]]:
    """How to reach each service: one entry for each Salesforce org, for Smartlead and for Clay."""
    orgs = [
        {
            "service": "salesforce",
            "org": org,
            "url": sandbox.url(f"salesforce.{org}"),
            "client_id": f"outreach-{org}",
            "client_secret": sandbox.credentials[org],
            **_for_other_clients(sandbox, org),
        }
        for org in ORGS
    ]
    smartlead = {
        "service": "smartlead",
        "url": f"{sandbox.url('smartlead')}/api/v1",
        "api_key": sandbox.credentials["smartlead"],
    }
    clay = {
        "service": "clay",
        "url": sandbox.url("clay"),
        "api_key": sandbox.credentials["clay"],
        "webhook_token": sandbox.credentials["clay_webhook"],
    }
    return [*orgs, *_proxy(sandbox), smartlead, clay]


def _for_other_clients(sandbox: Sandbox, org: str) -> dict[str, str]:
    """How clients that insist on Salesforce's host names sign in to an org, when they can."""
    if not sandbox.has_tls:
        return {}
    return {
        "my_domain": f"https://{org}.my.salesforce.com",
        "username": _username(org),
        "password": sandbox.credentials[f"{org}_password"],
        "security_token": sandbox.credentials[f"{org}_security_token"],
        "refresh_token": sandbox.credentials[f"{org}_refresh_token"],
        "private_key_file": str(sandbox.directory / PRIVATE_KEY_FILE),
    }


def _proxy(sandbox: Sandbox) -> list[dict[str, str]]:
    """The proxy that leads to those host names, and the CA to trust."""
    if not sandbox.has_tls:
        return []
    url, ca_file = sandbox.url("salesforce.proxy"), str(sandbox.directory / CA_FILE)
    return [{"service": "salesforce proxy", "url": url, "ca_file": ca_file}]


def service_config(sandbox: Sandbox, service: str) -> dict[str, Any]:
    """What a service is told when it starts: its ports, its credentials and where the others are."""
    common = {
        "directory": str(sandbox.directory),
        "token": sandbox.credentials["control"],
        "seed": sandbox.world.seed,
        "receiver_url": sandbox.receiver_url,
    }
    if service == "salesforce":
        return common | _salesforce_config(sandbox)
    if service == "smartlead":
        return common | {
            "port": sandbox.ports["smartlead"],
            "api_key": sandbox.credentials["smartlead"],
            "receiver_secret": sandbox.credentials["receiver_smartlead"],
            "clay_url": sandbox.url("clay"),
            "clay_webhook_token": sandbox.credentials["clay_webhook"],
            "rate_limit": {
                "per_minute": sandbox.requests_per_minute,
                "per_two_seconds": sandbox.requests_per_minute // 6,
            },
        }
    return common | {
        "port": sandbox.ports["clay"],
        "api_key": sandbox.credentials["clay"],
        "webhook_token": sandbox.credentials["clay_webhook"],
        "receiver_secret": sandbox.credentials["receiver_clay"],
        "smartlead_url": sandbox.url("smartlead"),
        "smartlead_api_key": sandbox.credentials["smartlead"],
    }


def _salesforce_config(sandbox: Sandbox) -> dict[str, Any]:
    orgs: dict[str, dict[str, Any]] = {
        org: {
            "port": sandbox.ports[f"salesforce.{org}"],
            "client_id": f"outreach-{org}",
            "client_secret": sandbox.credentials[org],
            "username": _username(org),
        }
        for org in ORGS
    }
    if not sandbox.has_tls:
        return {"orgs": orgs}
    for org, one in orgs.items():
        one["password"] = sandbox.credentials[f"{org}_password"] + sandbox.credentials[f"{org}_security_token"]
        one["refresh_token"] = sandbox.credentials[f"{org}_refresh_token"]
        one["public_key_file"] = str(sandbox.directory / PUBLIC_KEY_FILE)
    tls = {"port": sandbox.ports["salesforce.tls"], "proxy_port": sandbox.ports["salesforce.proxy"]}
    return {"orgs": orgs, "tls": tls}


def _username(org: str) -> str:
    return f"outreach@{org}.example"


def secrets_toml(sandbox: Sandbox) -> str:
    """The same connections as a secrets file for the loaders."""
    lines = ["# Credentials of the sandbox's services: OUTREACH_SECRETS_FILE names this file.", ""]
    for org in ORGS:
        lines += [
            f"[salesforce.{org}]",
            f'login_url = "{sandbox.url(f"salesforce.{org}")}"',
            f'client_id = "outreach-{org}"',
            f'client_secret = "{sandbox.credentials[org]}"',
            f'organization_id = "{salesforce_id("Organization", org, 1)}"',
            'expected_role = "Outreach Integration"',
            f'validation_bypass_permission = "{BYPASS}"',
            "",
        ]
    lines += [
        "[smartlead]",
        f'base_url = "{sandbox.url("smartlead")}/api/v1"',
        f'api_key = "{sandbox.credentials["smartlead"]}"',
        f"requests_per_hour = {sandbox.requests_per_minute * 60}",
        f"requests_per_minute = {sandbox.requests_per_minute}",
        f"requests_per_two_seconds = {sandbox.requests_per_minute // 6}",
        "",
        "[clay]",
        f'base_url = "{sandbox.url("clay")}"',
        f'api_key = "{sandbox.credentials["clay"]}"',
        "",
        "[clay.lookups]",
        f'api_key = "{sandbox.credentials["clay"]}"',
        "credit_budget = 1000",
        "",
    ]
    for table in CLAY_TABLES:
        lines += [
            f"[clay.tables.{table}]",
            f'webhook_url = "{sandbox.url("clay")}/v3/sources/webhook/{table}"',
            f'webhook_token = "{sandbox.credentials["clay_webhook"]}"',
            "",
        ]
    host, port = sandbox.receiver_url.removeprefix("http://").split(":")
    lines += [
        "[receiver]",
        f'host = "{host}"',
        f"port = {port}",
        f'smartlead_secret = "{sandbox.credentials["receiver_smartlead"]}"',
        f'clay_secret = "{sandbox.credentials["receiver_clay"]}"',
        "",
    ]
    return "\n".join(lines)
