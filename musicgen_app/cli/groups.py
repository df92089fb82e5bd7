"""The kinds of groups that all commands are sorted into: one that suggests, and one that is a command as well."""

from __future__ import annotations

import difflib

import click


class Group(click.Group):
    """A group that suggests the nearest of its commands, and that prints its help where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]):
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            near = self.nearest(ctx, args[0])
            hint = f"did you mean {near}?" if near else f"commands: {', '.join(self.list_commands(ctx))}"
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def nearest(self, ctx: click.Context, word: str) -> str | None:
        """The command whose name a word was perhaps meant to be."""
        return next(iter(difflib.get_close_matches(word, self.list_commands(ctx), n=1)), None)


class CommandGroup(Group):
    """A group that is a command too: where its first word names no command, its own arguments and options count.

    Its options cannot go with a command. The callback has nothing to do where `context.invoked_subcommand` is set.
    """

    def __init__(self, *args, **attributes):
        attributes.setdefault("subcommand_metavar", "| COMMAND [ARGS]...")
        super().__init__(*args, **attributes | {"invoke_without_command": True, "no_args_is_help": False})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, words, given = self.make_parser(ctx).parse_args(list(args))  # options, until the first word that is none
        takes_words = any(isinstance(param, click.Argument) for param in self.params)
        if words and (words[0] in self.commands or not takes_words):
            if any(not param.is_eager for param in given) and not ctx.resilient_parsing:
                self._refuse(ctx, words[0], given)
            rest = super().parse_args(ctx, args)
            ctx.params |= {param.name: None for param in self.params if param.name not in ctx.params}
            return rest
        ctx.allow_interspersed_args, ctx.allow_extra_args = True, False
        try:
            return click.Command.parse_args(self, ctx, args)
        except click.UsageError:
            if len(words) > 1 and (near := self.nearest(ctx, words[0])):
                ctx.fail(f"no command {words[0]!r}; did you mean {near}?")
            raise

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own arguments are left out as long as the first word may be a command, and where one was named."""
        params = super().get_params(ctx)
        if ctx.command is self and ctx.allow_interspersed_args:
            return params
        return [param for param in params if not isinstance(param, click.Argument)]

    def _refuse(self, ctx: click.Context, word: str, given: list[click.Parameter]) -> None:
        """The error of options before a command, or of a word among options of a command that takes none."""
        option = next(param.opts[0] for param in given if not param.is_eager)
        if word in self.commands:
            ctx.fail(f"{option} cannot go with the command {word}: leave it out, or write it behind {word}")
        ctx.fail(f"unexpected extra argument {word!r}")
