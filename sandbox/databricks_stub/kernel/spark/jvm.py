"""The Java process: its command, and the gateway through which this process speaks to it."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.user import USER

START_SECONDS = 90.0
PAUSE_SECONDS = 0.02
MAIN_CLASS = "org.apache.spark.api.python.PythonGatewayServer"
# Documented: https://spark.apache.org/docs/latest - what Spark opens of Java 17's modules
OPENED = (
    *(f"java.base/java.{name}" for name in ("io", "lang", "lang.invoke", "lang.reflect", "net", "nio", "util")),
    *(f"java.base/java.util.{name}" for name in ("concurrent", "concurrent.atomic")),
    "java.base/jdk.internal.ref",
    *(f"java.base/sun.{name}" for name in ("nio.ch", "nio.cs", "security.action", "util.calendar")),
    "java.security.jgss/sun.security.krb5",
)


class JavaFailed(Exception):
    """Java could not be started, or ended."""


@dataclass(frozen=True, kw_only=True)
class Java:
    """A running Java process and its gateway."""

    process: subprocess.Popen[bytes]
    gateway: Any

    @property
    def jvm(self) -> Any:
        """The classes of Java by their names."""
        return self.gateway.jvm


def java_program() -> str:
    """The `java` to run: that of JAVA_HOME, or the one on the path."""
    if home := os.environ.get("JAVA_HOME"):
        return str(Path(home) / "bin" / "java")
    return shutil.which("java") or "java"


def pyspark_folder() -> Path:
    """Where the package pyspark lies, which is Spark's home too; it is not imported."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise JavaFailed("there is no pyspark in this interpreter")
    return Path(spec.origin).parent


def command(*, memory_mib: int, folder: Path) -> list[str]:
    """The Java process's command line; `folder` is for its temporary files."""
    jars = Path(sys.prefix) / "jars"
    return [
        java_program(),
        "-XX:+IgnoreUnrecognizedVMOptions",
        *(f"--add-opens={name}=ALL-UNNAMED" for name in OPENED),
        # Java 23 and later would warn, and some day refuse
        "--sun-misc-unsafe-memory-access=allow",
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Duser.timezone=UTC",
        f"-Djava.io.tmpdir={folder}",
        f"-Xmx{memory_mib}m",
        "-Xss4m",
        # for one small machine: no collector with threads of its own, and code that is compiled once, quickly
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        # with that level Java reserves 48 MiB for compiled code; Spark fills it in minutes, and ends when it is full
        "-XX:ReservedCodeCacheSize=240m",
        "-cp",
        os.pathsep.join([str(pyspark_folder() / "jars" / "*"), str(jars / "*")]),
        MAIN_CLASS,
    ]


@contextmanager
def running(*, memory_mib: int) -> Iterator[Java]:
    """Java for as long as the block lasts; it also ends when this process is killed, for its input ends then."""
    from py4j.java_gateway import GatewayParameters, JavaGateway

    with tempfile.TemporaryDirectory(prefix="spark-") as name:
        folder = Path(name)
        told = folder / f"gateway-{secrets.token_hex(8)}"
        environment = os.environ | {
            # by this it knows who the current_user() is
            "SPARK_USER": USER,
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(told),
            "SPARK_HOME": str(pyspark_folder()),
            # its own idea of the machine's address may be one of the network
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(folder),
            "PYSPARK_PYTHON": sys.executable,
        }
        try:
            process = subprocess.Popen(
                command(memory_mib=memory_mib, folder=folder), env=environment, stdin=subprocess.PIPE
            )
        except OSError as error:
            raise JavaFailed(f"{java_program()} cannot be started: {error}") from error
        try:
            port, token = _wait_for(told, process)
            gateway = JavaGateway(
                gateway_parameters=GatewayParameters(
                    address="127.0.0.1", port=port, auth_token=token, auto_convert=True
                )
            )
            yield Java(process=process, gateway=gateway)
        finally:
            # its objects here would each complain that Java is gone
            logging.getLogger("py4j").setLevel(logging.CRITICAL)
            process.kill()
            process.wait()
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()


def _wait_for(told: Path, process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """The port and the secret that Java writes when it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while not told.is_file():
        if process.poll() is not None:
            raise JavaFailed(f"Java ended with {process.returncode} while it started")
        if time.monotonic() > deadline:
            raise JavaFailed(f"Java did not start within {START_SECONDS:.0f} s")
        time.sleep(PAUSE_SECONDS)
    data = told.read_bytes()
    port, length = struct.unpack("!ii", data[:8])
    return int(port), data[8 : 8 + length].decode()
