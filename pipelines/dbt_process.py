"""``python -m pipelines.dbt_process``: dbt's command line, telling a program what happens, one line of JSON an event.

``dbt --log-format json`` says the same, but makes a line of every debug event before it drops it: a tenth of a build.
"""

from __future__ import annotations

import gc
import json
import sys

gc.set_threshold(100_000, 50, 50)  # dbt and the project are millions of objects that stay; searching them takes long

from dbt.cli.main import dbtRunner  # noqa: E402
from dbt_common.events.base_types import EventMsg  # noqa: E402
from dbt_common.events.functions import msg_to_dict  # noqa: E402


def _tell(event: EventMsg) -> None:
    if event.info.level != "debug":
        sys.stdout.write(json.dumps(msg_to_dict(event), default=str) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Run dbt with the arguments of this process; end with 0 if it succeeded."""
    result = dbtRunner(callbacks=[_tell]).invoke(["--log-level", "none", *sys.argv[1:]])
    gc.freeze()  # or they are searched once more, for half a second, when this process ends
    sys.exit(0 if result.success else 1)


if __name__ == "__main__":
    main()
