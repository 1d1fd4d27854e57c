"""The ``outreach`` command, also as ``python -m pipelines``; it can be interrupted from its first import on."""

from __future__ import annotations

import gc
import sys

from pipelines.errors import INTERRUPTED


def main() -> None:
    """Run the command line, and end an interrupted one with a line instead of a traceback."""
    try:
        from pipelines.cli import main as command_line  # noqa: PLC0415  loading it may be interrupted

        command_line()
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        sys.stderr.write("\nInterrupted; what is done is kept. Run the same command again, it is safe to repeat.\n")
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()  # or all that was loaded is searched once more, for a fifth of a second, before the shell is back


if __name__ == "__main__":
    main()
