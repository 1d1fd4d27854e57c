"""Company descriptions as an AI column writes them: most of them usable, some poor, a few no description at all."""

from __future__ import annotations

from typing import Any

from sandbox.world.nature import unit

POOR_SHARE = 0.12
GOOD = (
    "{company} is a {industry} company with about {employees} employees that serves customers in {country} and abroad.",
    "{company} develops and sells products for the {industry} sector. Founded decades ago, it now employs {employees}"
    " people and is known for its service in {country}.",
    "A mid-sized {industry} business, {company} works for regional customers in {country} and plans to grow its team.",
    '{company} ("the team behind the product") offers {industry} solutions: consulting, delivery and support.\nIt has'
    " {employees} employees; its headquarters are in {country}.",
    "{company} unterstützt Kunden in {country} mit Lösungen für {industry}; dort arbeiten rund {employees} Menschen.",
)
POOR = (
    "{company}.",
    "As an AI language model, I cannot find information about {company}.",
    "N/A",
    "{company} is a leading provider of innovative, best-in-class, world-class solutions!!!",
    "<p>{company} &amp; partners</p>",
)


def description(seed: int, key: str, facts: dict[str, Any]) -> str:
    """The description of a company, from what is known of it."""
    texts = POOR if unit(seed, "poor text", key) < POOR_SHARE else GOOD
    return texts[int(unit(seed, "text", key) * len(texts))].format(**facts)
