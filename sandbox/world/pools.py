"""Pools of names, titles and company words, drawn once by Faker; SQL combines them into any number of people."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from faker import Faker

FIRST_NAMES = 200
LAST_NAMES = 300

LOCALES = {
    "Germany": "de_DE",
    "Austria": "de_AT",
    "Switzerland": "de_CH",
    "Sweden": "sv_SE",
    "Norway": "no_NO",
    "Denmark": "da_DK",
    "Finland": "fi_FI",
    "Netherlands": "nl_NL",
    "Belgium": "nl_BE",
    "Poland": "pl_PL",
    "Greece": "el_GR",
    "United Kingdom": "en_GB",
    "Spain": "es_ES",
    "Portugal": "pt_PT",
    "France": "fr_FR",
    "Italy": "it_IT",
    "Japan": "ja_JP",
}
LEGAL_FORMS = {
    "Germany": "GmbH",
    "Austria": "GmbH",
    "Switzerland": "AG",
    "Sweden": "AB",
    "Norway": "AS",
    "Denmark": "A/S",
    "Finland": "Oy",
    "Netherlands": "B.V.",
    "Belgium": "NV",
    "Poland": "Sp. z o.o.",
    "Greece": "A.E.",
    "United Kingdom": "Ltd",
    "Spain": "S.L.",
    "Portugal": "Lda",
    "France": "SARL",
    "Italy": "S.r.l.",
    "Japan": "K.K.",
}
# Real names that break careless software.
ODD_LAST_NAMES = ("Null", "O'Brien", "NA", "None", "Nguyễn", "D\u2019Angelo", "van der Berg", "Łęcki", "Ünlü-Müller")
# fmt: off
WORDS = (
    "Precision Systems", "Logistics", "Medical", "Energy", "Robotics", "Software", "Analytics", "Foods", "Textiles",
    "Optics", "Plastics", "Tools", "Care", "Diagnostics", "Packaging", "Automation", "Power", "Networks", "Materials",
    "Labs", "Engineering", "Industries", "Solutions", "Group", "Partners",
)
TITLES = (
    "CEO", "CTO", "CFO", "VP Operations", "VP Sales", "Director of Purchasing", "Director IT", "Head of Production",
    "Head of Marketing", "Plant Manager", "Product Manager", "Project Manager", "Quality Manager",
    "Procurement Manager", "Engineer", "Consultant", "Analyst", "Buyer", "Specialist", "Assistant",
)
# fmt: on


def create_pools(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Create the pools as tables of the schema ``world``: country, place in the pool (from 0), name."""
    first_names, last_names = [], []
    for country, locale in LOCALES.items():
        faker = Faker(locale)
        faker.seed_instance(f"{seed} {country}")
        first_names += [(country, place, faker.first_name()) for place in range(FIRST_NAMES)]
        drawn = [*ODD_LAST_NAMES, *(faker.last_name() for _ in range(LAST_NAMES - len(ODD_LAST_NAMES)))]
        last_names += [(country, place, name) for place, name in enumerate(drawn)]
    _create(connection, "first_names", first_names)
    _create(connection, "last_names", last_names)
    _create(connection, "legal_forms", [(country, 0, form) for country, form in LEGAL_FORMS.items()])
    _create(connection, "words", [("", place, word) for place, word in enumerate(WORDS)])
    _create(connection, "titles", [("", place, title) for place, title in enumerate(TITLES)])


def _create(connection: duckdb.DuckDBPyConnection, name: str, rows: list[tuple[str, int, str]]) -> None:
    countries, places, names = zip(*rows, strict=True)
    table = pa.table({"country": countries, "place": pa.array(places, pa.int64()), "name": names})
    connection.register("pool", table)
    connection.execute(f"create table world.{name} as select * from pool")
    connection.unregister("pool")
