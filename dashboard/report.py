"""The funnel as one HTML file, for people without access to the dashboard. It holds counts only, no personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.filters import Choice, Selection, choices_of, read_selection
from dashboard.marts import Marts, Reader
from dashboard.pages import funnel
from dashboard.rendering import report_html
from dashboard.view import Viewer, data_state, parameters_of, table_view
from pipelines.config import Settings


def funnel_report(settings: Settings, filters: Mapping[str, str]) -> str:
    """The report of the published marts, with filters as in the dashboard's URL.

    Raises:
        UnknownFilterError: there is no such filter, or the data do not have the value.
        DataError: nothing is published.
    """
    with Marts(settings).reading() as reader:
        choices = choices_of(funnel.PAGE.filters, reader, shows_personal_data=False)
        return report_of(settings, reader, read_selection(funnel.PAGE.filters, list(filters.items()), choices), choices)


def report_of(settings: Settings, reader: Reader, selection: Selection, choices: Mapping[str, Sequence[Choice]]) -> str:
    """The report of what a reader sees."""
    page, viewer = funnel.PAGE, Viewer(sees_personal_data=False)
    labels = {(name, choice.value): choice.label for name, values in choices.items() for choice in values}
    chosen = [(one, labels[one.name, value]) for one in page.filters if (value := selection.filters.get(one.name))]
    tables = [table_view(reader, page.name, table, selection, viewer) for table in page.tables if table.on_page]
    figures = page.figures(reader, parameters_of(selection))
    return report_html(page, chosen, figures, tables, data_state(settings, reader.version))
