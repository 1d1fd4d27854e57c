"""What Clay's columns find out about a row: providers with their credits, cheapest first, and formulas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.clay.descriptions import description
from sandbox.world.nature import employee_count, industry, normal, unit

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
DESCRIPTION_ERROR_SHARE = 0.02
SIZES = ((1000, 30), (200, 25), (50, 15), (10, 5))
SOFTWARE = {"Software", "Technology", "SaaS", "Information Technology"}
REGULATED = {"Financial Services", "Healthcare"}
RANKS = ((("CEO", "CTO", "VP", "C-Suite"), 25), (("Director", "Head of"), 20), (("Manager",), 10))
TIERS = ((80, "A"), (60, "B"), (40, "C"))


@dataclass
class Enrichment:
    """What was found for one row, what failed, and what each attempt cost."""

    values: dict[str, str | None] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)


def enrich(seed: int, inputs: dict[str, Any]) -> Enrichment:
    """Run all columns from left to right; what is found is a pure function of the seed and the person."""
    found, email = Enrichment(), normal(str(inputs.get("email") or ""))
    _enrich_company(seed, email, inputs, found)
    _enrich_person(seed, email, inputs, found)
    score = icp_score(found.values)
    if score >= PHONE_FROM_SCORE and _waterfall(seed, "phone", email, found):
        found.values["phone_number"] = f"+49 30 {int(unit(seed, 'phone', email) * 900000) + 100000}"
        score = icp_score(found.values)
    found.values |= {"icp_score": str(score), "lead_tier": _tier(score)}
    return found


def icp_score(values: dict[str, str | None]) -> int:
    """The formula column of the reference architecture: size, industry, seniority and completeness, 0 to 100."""
    employees = int(values.get("employee_count") or 0)
    size = next((points for minimum, points in SIZES if employees > minimum), 0)
    sector, title = values.get("industry"), values.get("job_title") or ""
    fit = 30 if sector in SOFTWARE else 20 if sector in REGULATED else 10
    rank = next((points for words, points in RANKS if any(word in title for word in words)), 5)
    completeness = (10 if values.get("work_email") else 0) + (5 if values.get("phone_number") else 0)
    return size + fit + rank + completeness


def _enrich_company(seed: int, email: str, inputs: dict[str, Any], found: Enrichment) -> None:
    if not _waterfall(seed, "company", email, found):
        return
    domain = email.partition("@")[2]
    facts: dict[str, Any] = {
        "company": inputs.get("company") or domain,
        "industry": industry(seed, domain),
        "employees": employee_count(seed, domain),
        "country": inputs.get("country") or "Europe",
    }
    found.values["company_name"] = facts["company"]
    found.values["employee_count"] = str(facts["employees"])
    found.values["industry"] = facts["industry"]
    if unit(seed, "description error", email) < DESCRIPTION_ERROR_SHARE:
        found.errors["company_description"] = "Rate limit of the model provider reached"
    else:
        found.values["company_description"] = description(seed, email, facts)


def _enrich_person(seed: int, email: str, inputs: dict[str, Any], found: Enrichment) -> None:
    if _waterfall(seed, "person", email, found):
        slug = email.partition("@")[0].replace(".", "-")
        found.values["job_title"] = inputs.get("title")
        found.values["linkedin_url"] = f"https://linkedin.example/in/{slug}-{int(unit(seed, 'slug', email) * 10**6)}"
    if _waterfall(seed, "email", email, found):
        found.values["work_email"] = email


def _waterfall(seed: int, step: str, email: str, found: Enrichment) -> bool:
    """Cheapest first, stop on match."""
    for position, provider in enumerate(WATERFALLS[step], start=1):
        is_match = bool(email) and unit(seed, step, provider, email) < MATCH_SHARES[step, provider]
        attempt = {"step": step, "provider": provider, "position": position, "is_match": is_match}
        found.attempts.append(attempt | {"credits": CREDITS[provider]})
        if is_match:
            return True
    return False


def _tier(score: int) -> str:
    return next((tier for minimum, tier in TIERS if score >= minimum), "D")
