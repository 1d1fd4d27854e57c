"""What Clay's columns find out about a row: providers with their credits, formulas, and texts of varied quality."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.world.nature import employee_count, industry, unit

CREDITS = {"clearbit": 2, "apollo": 2, "people_data_labs": 3, "hunter": 2}
MATCH_SHARES = {
    ("company", "clearbit"): 0.90,
    ("company", "apollo"): 0.60,
    ("person", "apollo"): 0.75,
    ("person", "people_data_labs"): 0.50,
    ("email", "apollo"): 0.70,
    ("email", "hunter"): 0.43,
    ("phone", "apollo"): 0.50,
}
WATERFALLS = {
    "company": ("clearbit", "apollo"),
    "person": ("apollo", "people_data_labs"),
    "email": ("apollo", "hunter"),
    "phone": ("apollo",),
}
PHONE_FROM_SCORE = 80
SOFTWARE = {"Software", "Technology", "SaaS", "Information Technology"}
REGULATED = {"Financial Services", "Healthcare"}
DESCRIPTIONS = (
    "{company} is a {industry} company with about {employees} employees that serves customers in {country} and abroad.",
    "{company} develops and sells products for the {industry} sector. Founded decades ago, it now employs {employees}"
    " people and is known for its service in {country}.",
    "A mid-sized {industry} business, {company} works for regional customers in {country} and plans to grow its team.",
)
POOR_DESCRIPTIONS = ("{company}.", "As an AI language model, I cannot find information about {company}.", "N/A")


@dataclass
class Enrichment:
    """What was found for one row, and what each attempt cost."""

    values: dict[str, str | None] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)


def enrich(seed: int, inputs: dict[str, Any]) -> Enrichment:
    """Run all columns from left to right; what is found is a pure function of the seed and the person."""
    email = str(inputs["email"]).lower()
    domain = email.split("@")[-1]
    found = Enrichment()
    if _run(seed, "company", email, found):
        count = employee_count(seed, domain)
        found.values |= {"company_name": inputs.get("company"), "employee_count": str(count)}
        found.values["industry"] = industry(seed, domain)
    if _run(seed, "person", email, found):
        found.values |= {"job_title": inputs.get("title"), "linkedin_url": f"https://linkedin.example/in/{email}"}
    if _run(seed, "email", email, found):
        found.values["work_email"] = email
    if _score(found.values) >= PHONE_FROM_SCORE and _run(seed, "phone", email, found):
        found.values["phone_number"] = f"+49 30 {int(unit(seed, 'phone', email) * 900000) + 100000}"
    if "industry" in found.values:
        found.values["company_description"] = _description(seed, email, inputs, found.values)
    score = _score(found.values)
    found.values |= {"icp_score": str(score), "lead_tier": _tier(score)}
    return found


def _run(seed: int, step: str, email: str, found: Enrichment) -> bool:
    """Cheapest first, stop on match."""
    for position, provider in enumerate(WATERFALLS[step], start=1):
        is_match = unit(seed, step, provider, email) < MATCH_SHARES[step, provider]
        attempt = {"step": step, "provider": provider, "position": position, "is_match": is_match}
        found.attempts.append(attempt | {"credits": CREDITS[provider]})
        if is_match:
            return True
    return False


def _score(values: dict[str, str | None]) -> int:
    """Clay's formula column, as in the reference architecture."""
    employees = int(values.get("employee_count") or 0)
    size = next((points for minimum, points in ((1000, 30), (200, 25), (50, 15), (10, 5)) if employees > minimum), 0)
    sector = values.get("industry")
    fit = 30 if sector in SOFTWARE else 20 if sector in REGULATED else 10
    title = values.get("job_title") or ""
    rank = (
        25
        if any(word in title for word in ("CEO", "CTO", "VP", "C-Suite"))
        else 20
        if any(word in title for word in ("Director", "Head of"))
        else 10
        if "Manager" in title
        else 5
    )
    return size + fit + rank + (10 if values.get("work_email") else 0) + (5 if values.get("phone_number") else 0)


def _tier(score: int) -> str:
    return next((tier for minimum, tier in ((80, "A"), (60, "B"), (40, "C")) if score >= minimum), "D")


def _description(seed: int, email: str, inputs: dict[str, Any], values: dict[str, str | None]) -> str:
    texts = POOR_DESCRIPTIONS if unit(seed, "poor text", email) < 0.12 else DESCRIPTIONS
    text = texts[int(unit(seed, "text", email) * len(texts))]
    return text.format(
        company=inputs.get("company"),
        industry=values["industry"],
        employees=values["employee_count"],
        country=inputs.get("country") or "Europe",
    )
