"""All human output: steps, tables, hints; TTY / CI / --json / --quiet."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sandbox.errors import SandboxError
from sandbox.progress import Step

PIPED_WIDTH = 220
COMMAND = re.compile(r"(?<![\w/.-])sandbox (?P<verb>(?:runtimes |archive |matrix |images )?[a-z]+)")


def program() -> str:
    """The command as this user can type it: `sandbox` when that is on PATH, else the path to it."""
    script = Path(sys.argv[0])
    if script.name != "sandbox" or not script.is_file():
        return "sandbox" if shutil.which("sandbox") else f"{shlex.quote(sys.executable)} -m sandbox"
    on_path = shutil.which("sandbox")
    if on_path and Path(on_path).resolve() == script.resolve():
        return "sandbox"
    absolute = script.absolute()
    shown = absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
    return shlex.quote(str(shown))


def paste_able(text: str, *, name: str = "default") -> str:
    """A hint whose `sandbox` commands can be pasted into this user's shell, for the sandbox called `name`."""
    chosen = "" if name == os.environ.get("SANDBOX_NAME", "default") else f" --name {name}"
    return COMMAND.sub(lambda found: f"{program()} {found['verb']}{chosen}", text)


class _ShownStep:
    def __init__(self, title: str, changed: Any) -> None:
        self.title = title
        self.detail = ""
        self.begun = time.monotonic()
        self._changed = changed

    def update(self, detail: str) -> None:
        self.detail = detail
        self._changed()

    def done(self, detail: str) -> None:
        self.detail = detail

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun


class Terminal:
    """The Progress of a command line: one line per finished step on stderr, spinners for the running ones on a TTY."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False, name: str = "default") -> None:
        self.name = name
        self.quiet = quiet
        self.as_json = as_json
        # a pipe or a log has no width of its own: tables must not be folded to the 80 columns of a guess
        piped = None if sys.stdout.isatty() else PIPED_WIDTH
        self.out = Console(highlight=False, soft_wrap=True, width=piped)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._lock = threading.RLock()
        self._running: list[_ShownStep] = []
        self._live: Live | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announce a step; leaving it by an exception marks it failed."""
        step = _ShownStep(title, self._refresh)
        with self._lock:
            self._running.append(step)
        self._refresh()
        mark, style = "✗", "red"
        try:
            yield step
            mark, style = "✓", "green"
        finally:
            with self._lock:
                self._running.remove(step)
            self._refresh()
            self.line(mark, step.title, f"{step.seconds:.1f} s", step.detail, style=style)

    def line(self, mark: str, title: str, seconds: str, detail: str, *, style: str) -> None:
        """One finished line: mark, what, how long, and a detail."""
        if self.quiet:
            return
        text = Text(" ")
        text.append(mark, style=style)
        text.append(f" {title:<34}")
        text.append(f"{seconds:>8}", style="dim")
        if detail:
            text.append(f"   {detail}")
        text.rstrip()
        self.err.print(text)

    def note(self, text: str) -> None:
        """Something said beside the steps."""
        if not self.quiet:
            self.err.print(Text(f"   {text}", style="yellow"))

    def say(self, text: str = "") -> None:
        """A line of the result, for people; nothing with --json or --quiet."""
        if not (self.quiet or self.as_json):
            self.out.print(Text(text))

    def hint(self, *commands: str) -> None:
        """What to type next, for people."""
        for number, command in enumerate(commands):
            self.say(f"{'next: ' if number == 0 else '      '}{paste_able(command, name=self.name)}")

    def show(self, renderable: RenderableType) -> None:
        """A table or tree of the result, for people; nothing with --json or --quiet."""
        if not (self.quiet or self.as_json):
            self.out.print(renderable)

    def result(self, value: Any) -> None:
        """The command's result as JSON on stdout, when --json asked for it."""
        if self.as_json:
            self.out.print(json.dumps(value, indent=2, default=str), markup=False)

    def error(self, error: SandboxError) -> None:
        """A foreseen error: what, why, next."""
        text = Text("error: ", style="bold red")
        text.append(error.what, style="default not bold")
        self.err.print(text)
        for line in error.why.splitlines():
            self.err.print(Text(f"  {line}"))
        if error.next_command:
            self.err.print(Text(f"next: {paste_able(error.next_command, name=error.sandbox_name)}", style="cyan"))

    @contextmanager
    def live(self) -> Iterator[Live | None]:
        """A live area on stderr for a tree that changes; None where there is no terminal to redraw."""
        if self.quiet or not self.err.is_terminal:
            yield None
            return
        with Live(console=self.err, refresh_per_second=8, transient=True) as live:
            yield live

    def _refresh(self) -> None:
        if self.quiet or not self.err.is_terminal:
            return
        with self._lock:
            if self._running and self._live is None:
                self._live = Live(console=self.err, refresh_per_second=8, transient=True)
                self._live.start()
            if self._live is None:
                return
            self._live.update(Group(*(self._spinner(step) for step in self._running)))
            if not self._running:
                self._live.stop()
                self._live = None

    @staticmethod
    def _spinner(step: _ShownStep) -> RenderableType:
        return Spinner("dots", text=Text(f"{step.title:<34}{'':8}   {step.detail}"))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; None is shown as an empty field, numbers stand on the right."""
    rows = [list(row) for row in rows]
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) for row in rows if row[index] is not None)
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if value is None else str(value)) for value in row))
    return shown
