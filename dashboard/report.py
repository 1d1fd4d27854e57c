"""The funnel as one HTML file, for people without access to the dashboard. It holds counts only, no personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.filters import Choice, Selection, UnknownFilterError, choices_of, read_selection
from dashboard.marts import Marts, Reader
from dashboard.pages import funnel
from dashboard.rendering import report_html
from dashboard.view import Viewer, data_state, parameters_of, table_view
from pipelines.config import Settings


def funnel_report(settings: Settings, campaign: str | None = None) -> str:
    """The report of the published marts, of all campaigns or of the one with this id or exact name.

    Raises:
        UnknownFilterError: no AI campaign, or more than one, is called so.
        DataError: nothing is published.
    """
    with Marts(settings).reading() as reader:
        choices = choices_of(funnel.PAGE.filters, reader, shows_personal_data=False)
        selected = [("campaign", _campaign(choices["campaign"], campaign))] if campaign else []
        return report_of(settings, reader, read_selection(funnel.PAGE.filters, selected, choices), choices)


def _campaign(choices: Sequence[Choice], name_or_id: str) -> str:
    """The filter's value for a campaign; its choices are labelled with name and org."""
    found = [
        choice.value
        for choice in choices
        if name_or_id in {choice.value.split(":")[1], choice.label, choice.label.rsplit(" (", 1)[0]}
    ]
    if len(found) != 1:
        known = ", ".join(choice.label for choice in choices)
        what = "Several AI campaigns are" if found else "No AI campaign is"
        raise UnknownFilterError(f"{what} called '{name_or_id}'.", next_step=f"Give one of: {known}.")
    return found[0]


def report_of(settings: Settings, reader: Reader, selection: Selection, choices: Mapping[str, Sequence[Choice]]) -> str:
    """The report of what a reader sees."""
    page, viewer = funnel.PAGE, Viewer(sees_personal_data=False)
    labels = {(name, choice.value): choice.label for name, values in choices.items() for choice in values}
    chosen = [(one, labels[one.name, value]) for one in page.filters if (value := selection.filters.get(one.name))]
    tables = [table_view(reader, page.name, table, selection, viewer) for table in page.tables if table.on_page]
    figures = page.figures(reader, parameters_of(selection))
    return report_html(page, chosen, figures, tables, data_state(settings, reader.version))
