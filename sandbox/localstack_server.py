"""LocalStack on loopback: `python -m sandbox.localstack_server`, in LocalStack's own interpreter.

An island. LocalStack 4.13.1 listens on every interface whatever host GATEWAY_LISTEN names (its own source
says so, in runtime/server/twisted.py), so the interface is put into the endpoints that it makes; in a container
(our images set SANDBOX_CONTAINER) every interface is the container's own.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

LOOPBACK = "127.0.0.1"
INDEX = Path(sys.prefix) / "lib" / "localstack"
"""Where `runtimes/localstack_index.py` has put the index of all AWS services."""


def main() -> None:
    """Run until SIGTERM."""
    if "SANDBOX_CONTAINER" not in os.environ:
        from twisted.internet import endpoints

        endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface=LOOPBACK)
    from localstack import config
    from localstack.runtime.main import main as serve

    if INDEX.is_dir():
        config.dirs.static_libs = str(INDEX)
    serve()


if __name__ == "__main__":
    main()
