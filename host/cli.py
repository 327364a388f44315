"""The command line: global options, exit codes, and one JSON object or one error line per run.

Imports click and nothing else of weight; each command's module is loaded when that command runs.
"""

import time

_STARTED_s = time.perf_counter()
_BEFORE_s = time.process_time()  # what Python itself took until here

import os  # noqa: E402 - the clock comes first
import re  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from importlib import import_module  # noqa: E402
from io import TextIOWrapper  # noqa: E402
from typing import Any, NamedTuple, NoReturn  # noqa: E402

import click  # noqa: E402

from host import errors  # noqa: E402

#: Name of the command and its line in `host --help`; the module has the same name with underscores.
COMMANDS = {
    "set-load": "set the load of the sled, which holds it by itself",
    "stop": "lower the load and release the brake",
    "status": "what the sled is doing now, and the load in force",
    "clear": "clear a fault whose cause is gone",
    "monitor": "watch force, speed and position live",
    "calibrate": "zero and scale of the load cell, rolling friction, scale of the brake",
    "demo": "a simulated athlete does the 8-times up-and-back workout",
    "serve": "share one sled between several commands at once",
    "sim": "run a simulated sled for other programs and terminals",
    "record": "record every sample, over unplugs and restarts",
    "sessions": "list the recordings",
    "show": "tell about one recording",
    "export": "write a recording as CSV or Parquet",
    "replay": "a recording as a sled that other commands find",
    "flash": "bring the firmware onto a Raspberry Pi Pico",
    "recover": "bring a board back that does not answer, step by step",
    "doctor": "what was measured of the sled and this computer, and what it should be",
    "ports": "list the sleds and serial ports that are there",
    "athlete": "keep body mass and surface, so that 50%bw is all there is to type",
    "settings": "show, change and keep the settings of the sled",
}

EXIT_CODES = """\b
Exit codes:
  0  done
  2  bad usage or bad value
  3  no device, or several
  4  refused by the device
  5  the link failed
  6  versions do not match
  7  a scenario did not go as expected, or doctor found something wrong
  8  a file could not be written or read
"""

_EXAMPLES = """\b
Examples:
  host sim                               a simulated sled, in another terminal
  host athlete --bodyweight 80kg         once
  host set-load 50%bw                    half of body weight, pull and push
  host set-load 40kg --push 30kg
  host --json status
  host stop
"""


class Settings:
    """Global options, given before or after the command; the later one counts."""

    def __init__(self) -> None:
        self.port: str | None = None
        self.as_json = False


class Answer(NamedTuple):
    """What a command found: the JSON object's fields, and the same for people."""

    fields: dict[str, Any]
    lines: Sequence[str]


def _set_port(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.find_root().ensure_object(Settings).port = value


def _set_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().ensure_object(Settings).as_json = True


def _global_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--port"],
            metavar="PORT",
            expose_value=False,
            callback=_set_port,
            help="Serial port, socket://HOST:PORT or sim://; not needed while only one sled is there.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_set_json,
            help="Print exactly one JSON object.",
        ),
    ]


class Command(click.Command):
    """A command that takes the global options too and teaches its exit codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _global_options()
        self.epilog = self.epilog or EXIT_CODES


class Group(click.Group):
    """A command with commands of its own; takes the global options before those too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("no_args_is_help", False)  # no command is an error of one line
        super().__init__(*args, **kwargs)
        self.params += _global_options()


class _Group(click.Group):
    """Knows the commands by name and imports only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"host.commands.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = _nearest(args[0])
            raise errors.BadValue(
                f"there is no command '{args[0]}'; commands are {', '.join(COMMANDS)}",
                f"host {near}" if near else "host --help",
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _nearest(word: str) -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(word, COMMANDS, 1)
    return found[0] if found else None


cli = _Group(
    name="host",
    help=f"Find a resistance sled, set its load, and watch it.\n\n{_EXAMPLES}",
    epilog=EXIT_CODES,
    params=_global_options(),
)


def settings() -> Settings:
    """Global options of the running command."""
    return click.get_current_context().find_root().ensure_object(Settings)


def say(line: str) -> None:
    """A line while the command still runs; nothing with --json, whose one object comes at the end."""
    if not settings().as_json:
        print(line, flush=True)


def warn(line: str) -> None:
    """One line on stderr that changes nothing about the result."""
    print(f"{_program()}: {line}", file=sys.stderr, flush=True)


def give_up(
    sentence: str, hint: str, code: int, fields: dict[str, Any], lines: Sequence[str], warning: str
) -> NoReturn:
    """Print all that was found, then what is wrong with it, and exit."""
    if settings().as_json:
        failure = {"ok": False, "error": sentence, "hint": hint, "code": code}
        print_object({**failure, **fields, "elapsed_ms": elapsed_ms()})
    else:
        print("\n".join(lines), flush=True)
        warn(f"{warning}; try: {hint}")
    raise SystemExit(code)


def elapsed_ms() -> float:
    """Time since this process began, as near as it can tell from inside."""
    return round((time.perf_counter() - _STARTED_s + _BEFORE_s) * 1000, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; entry point of the console scripts."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    for stream in (sys.stdout, sys.stderr):  # None under `>&-`
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a degree sign gets its answer too
    try:
        code = _run(words, as_json)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in `host monitor | head`
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = errors.EXIT_OK
    sys.exit(code)


def _run(words: list[str], as_json: bool) -> int:
    try:
        outcome = _captured(words) if as_json else _invoke(words)
    except errors.HostError as error:
        return _fail(error.sentence, error.hint, error.code, as_json)
    except click.UsageError as error:
        return _usage_error(error, words, as_json)
    except click.ClickException as error:
        return _fail(error.format_message(), "host --help", errors.EXIT_USAGE, as_json)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", "host status", errors.EXIT_INTERRUPTED, as_json)
    except BrokenPipeError:
        raise
    except Exception as error:
        if as_json:
            _print_error(f"{type(error).__name__}: {error}", "please report this", 1)
        raise
    if isinstance(outcome, Answer):
        if as_json:
            print_object({"ok": True, **outcome.fields, "elapsed_ms": elapsed_ms()})
        else:
            for line in outcome.lines:
                print(line)
    return errors.EXIT_OK


def _invoke(words: list[str]) -> Any:
    try:
        with cli.make_context(_program(), list(words)) as context:
            return cli.invoke(context)
    except click.exceptions.Exit:  # after a help text
        return None


def _captured(words: list[str]) -> Any:
    """As `_invoke`, but a help text becomes the JSON object too."""
    from contextlib import redirect_stdout
    from io import StringIO

    text = StringIO()
    if "--help" not in words:
        return _invoke(words)
    with redirect_stdout(text):
        outcome = _invoke(words)
    return outcome if isinstance(outcome, Answer) else Answer({"help": text.getvalue()}, ())


def _program() -> str:
    return "sled" if os.path.basename(sys.argv[0]).startswith("sled") else "host"


def _under_own_name(text: str, before: str) -> str:
    """Commands in the text as they are typed here: `sled status` for whoever started `sled`."""
    return re.sub(rf"({before})host (?=[a-z-])", rf"\1{_program()} ", text)


def _usage_error(error: click.UsageError, words: list[str], as_json: bool) -> int:
    path = error.ctx.command_path if error.ctx else _program()
    if not [word for word in words if word != "--json"]:
        if not as_json and error.ctx:
            print(error.ctx.get_help(), file=sys.stderr)
            return errors.EXIT_USAGE
        return _fail("no command was given", "host --help", errors.EXIT_USAGE, as_json)
    sentence = error.format_message().rstrip(".").replace("\n", " ")
    return _fail(sentence[:1].lower() + sentence[1:], f"{path} --help", errors.EXIT_USAGE, as_json)


def _fail(sentence: str, hint: str, code: int, as_json: bool) -> int:
    sentence = _under_own_name(sentence, "`")
    hint = _under_own_name(hint, r"^|[\s(`]")
    if as_json:
        _print_error(sentence, hint, code)
    else:
        print(f"{_program()}: {_one_line(sentence)}; try: {_one_line(hint)}", file=sys.stderr)
    return code


def _print_error(sentence: str, hint: str, code: int) -> None:
    print_object({"ok": False, "error": _one_line(sentence), "hint": _one_line(hint), "code": code})


def _one_line(text: str) -> str:
    return " ".join(text.split())


def print_object(fields: dict[str, Any]) -> None:
    """The one JSON object of this run, on stdout at once."""
    import json

    print(json.dumps(fields, allow_nan=False), flush=True)


def command(name: str, **options: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a function the command `name`; its docstring is the help text."""
    return click.command(name, cls=options.pop("cls", Command), **options)
