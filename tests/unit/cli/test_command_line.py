"""The command line itself: its help, an interrupt at any moment, a reader that has gone."""

import subprocess
import sys
import types

import pytest
import typer
from typer.testing import CliRunner

from pipelines import __main__
from pipelines.cli import MODULES, PANELS, app


def test_every_command_stands_in_a_panel_of_the_help() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    registered = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    registered |= {group.name for group in app.registered_groups}
    assert registered == {name for names in PANELS.values() for name in names}
    assert "--debug" in shown
    assert [panel for panel in PANELS if f"─ {panel} ─" in shown] == list(PANELS)


@pytest.mark.parametrize("command", ["report", "alerts", "explain"])
def test_a_line_loads_only_the_command_that_it_names(command: str) -> None:
    code = f"import sys; from pipelines.cli import main; sys.argv[1:] = ['--debug', '{command}', '--help']\n"
    code += "try: main()\nfinally: print(*(name for name in sys.modules if name.startswith('pipelines.cli.')))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1].split()
    assert f"pipelines.cli.{MODULES[command]}" in loaded
    assert "pipelines.cli.demo" not in loaded


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant() -> None:
    assert "Did you mean 'report'" in CliRunner().invoke(app, ["reprot"]).output


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
