"""Run once by LocalStack's own interpreter when its runtime is built: the index of all AWS services.

LocalStack's container image brings this index along; its Python package builds one for each root folder, before it
answers the first request: two thirds of the processor time of a start (`localstack/aws/spec.py`,
`get_service_catalog`). `sandbox/localstack_server.py` shows it this one.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Write the index below the interpreter's own prefix."""
    from localstack import config
    from localstack.aws import spec

    folder = Path(sys.prefix) / "lib" / "localstack"
    folder.mkdir()
    config.dirs.static_libs = str(folder)
    spec.main()


if __name__ == "__main__":
    main()
