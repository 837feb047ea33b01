"""Prepares Airflow's metadata database: waits for it, migrates it, makes the first user. May run any number of times.

Runs in the Airflow image. The user's name and password come from the files of a Secret, never from arguments or the
environment. One process for all of it: importing Airflow is what takes the time.
"""

import os
import sys
from pathlib import Path


def airflow(*argv: str) -> None:
    """One command of Airflow's own command line, in this process."""
    from airflow.cli import cli_parser

    arguments = cli_parser.get_parser().parse_args(list(argv))
    arguments.func(arguments)


def ensure_user(folder: Path, *, role_name: str, reset_password: bool) -> str:
    """Make the user of the Secret mounted at `folder`, or set its password where that is wanted; says what it did."""
    username = (folder / "username").read_text().strip()
    password = (folder / "password").read_text().strip()
    email_file = folder / "email"
    email = email_file.read_text().strip() if email_file.exists() else f"{username}@localhost.localdomain"
    if not username or not password:
        raise SystemExit(f"error: {folder} has no username or no password\nnext: fill both keys of the Secret")
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from werkzeug.security import check_password_hash

    with get_application_builder() as builder:
        manager = builder.sm
        user = manager.find_user(username=username)
        if user is None:
            role = manager.find_role(role_name)
            if role is None:
                raise SystemExit(f"error: there is no role {role_name!r}\nnext: set setup.role to a role of Airflow's")
            if not manager.add_user(username, username, "-", email, role, password):
                raise SystemExit(f"error: the user {username!r} was not made; the log above says why")
            return f"made the user {username!r} with the role {role_name}"
        if not reset_password or check_password_hash(user.password or "", password):
            return f"the user {username!r} is there"
        if not manager.reset_password(user.id, password):
            raise SystemExit(f"error: the password of {username!r} was not set; the log above says why")
        return f"set the password of {username!r} to the Secret's"


def main() -> None:
    """Wait for the database, migrate it, make the user."""
    seconds = int(os.environ["SETUP_DATABASE_WAIT_SECONDS"])
    airflow("db", "check", "--retry", str(seconds), "--retry-delay", "1")
    airflow("db", "migrate")
    done = ensure_user(
        Path(os.environ["SETUP_ADMIN_FOLDER"]),
        role_name=os.environ["SETUP_ROLE"],
        reset_password=os.environ["SETUP_RESET_PASSWORD"] == "true",
    )
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main()
