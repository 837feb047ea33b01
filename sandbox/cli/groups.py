"""Commands with commands below them: their help says each one's first sentence whole, on as many lines as it takes."""

from __future__ import annotations

import click

LONGEST_SENTENCE = 200


class Group(click.Group):
    """click cuts the sentences of the list to one line each, which leaves the half of them without an end."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(LONGEST_SENTENCE)) for name, command in commands if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
