"""LocalStack on loopback: `python -m sandbox.localstack_server`, in LocalStack's own interpreter.

An island. LocalStack 4.13.1 listens on every interface whatever host GATEWAY_LISTEN names (its own source
says so, in runtime/server/twisted.py), so the interface is put into the endpoints that it makes; in a container
(our images set SANDBOX_CONTAINER) every interface is the container's own. And it keeps parts and large objects in
/tmp/localstack-s3-storage whatever TMPDIR names (DEFAULT_S3_TMP_DIR in services/s3/provider.py): a folder that all
sandboxes of a machine would share, and that only the first user could write to.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
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
    from localstack.services.s3 import provider

    provider.DEFAULT_S3_TMP_DIR = str(Path(tempfile.gettempdir()) / "s3-objects")
    serve()


if __name__ == "__main__":
    main()
