"""The command line itself: its help, an interrupt at any moment, a reader that has gone."""

import subprocess
import sys
import types

import pytest
import typer
from typer.testing import CliRunner

from pipelines import __main__
from pipelines.cli import MODULES, PANELS, app, load_commands


def test_every_command_stands_in_a_panel_of_the_help() -> None:
    load_commands()
    registered = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    registered |= {group.name for group in app.registered_groups}
    assert registered == {name for names in PANELS.values() for name in names}
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "--debug" in shown
    assert [panel for panel in PANELS if f"─ {panel} ─" in shown] == list(PANELS)


@pytest.mark.parametrize(("command", "module"), [("report", "build"), ("alerts", "status"), ("capacity", "capacity")])
def test_a_line_loads_the_command_that_it_names(command: str, module: str) -> None:
    code = f"import sys; from pipelines.cli import app, load_commands; load_commands(['--debug', '{command}', 'load'])"
    code += "; print(*(name for name in sys.modules if name.startswith('pipelines.cli.')))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert f"pipelines.cli.{module}" in loaded
    assert "pipelines.cli.load" not in loaded
    assert MODULES[command] == module


def test_the_version_is_shown() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("outreach ")


@pytest.mark.parametrize("is_in_a_command", [True, False])
def test_an_interrupt_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_in_a_command: bool
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    commands = typer.Typer()
    commands.command()(interrupted)
    loaded = types.SimpleNamespace(main=(lambda: commands([])) if is_in_a_command else interrupted)
    monkeypatch.setitem(sys.modules, "pipelines.cli", loaded)
    with pytest.raises(SystemExit) as end:
        __main__.main()
    assert end.value.code == 130
    assert capsys.readouterr().err.strip().startswith("Interrupted;")


def test_a_command_goes_on_when_nobody_reads_any_more() -> None:
    code = "from pipelines.console import out; [out.print(n) for n in range(9)]; open('/dev/stderr', 'w').write('end')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b"end"
    assert process.returncode == 0
