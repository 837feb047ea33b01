"""Executes snippets in sessions of an engine, in the interpreter of its runtime: `driver.py REQUEST`.

REQUEST is what kernels are told of their engine, as JSON. Each line of the input is a snippet as JSON; each line of the
output is what it called `found`, or its traceback.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel import engines


def rows(data: Any) -> list[list[Any]]:
    """The rows of a DataFrame as lists."""
    return [list(row) for row in data.collect()]


def error_of(call: Any) -> str:
    """How a call fails."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    request = json.loads(sys.argv[1])
    # what the engine prints does not belong among the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    new_session = partial(engines.create_session, request)
    for line in sys.stdin:
        names: dict[str, Any] = {
            "new_session": new_session,
            "refresh": partial(engines.refresh, request["engine"]["name"]),
            "rows": rows,
            "error_of": error_of,
            # the volume is one for all engines
            "V": f"/Volumes/projects/default/my_volume/{request['engine']['name']}",
            "warehouse": Path(request["warehouse"]),
        }
        try:
            names["spark"] = new_session()
            exec(compile(json.loads(line), "snippet", "exec"), names)
            answer = {"found": names.get("found")}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
