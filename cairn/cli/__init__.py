"""The command line: one file a command. Parse, call, print; no maths.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 2 something that the user can mend
(one sentence on standard error says what), 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from cairn.cli.check import check
from cairn.cli.convert import convert
from cairn.cli.detect import detect
from cairn.cli.evaluate import evaluate
from cairn.cli.export_model import export_model
from cairn.cli.fetch import fetch
from cairn.cli.formats import formats
from cairn.cli.import_model import import_model
from cairn.cli.info import info
from cairn.cli.points import cluster, embed
from cairn.cli.shape import shape
from cairn.cli.split import split
from cairn.cli.train import train
from cairn.errors import InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="cairn",
    help="Landmarks: find them in pictures, train your own, measure how good they are.\n\n"
    "Example: cairn detect photo.jpg",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_LABELS = (check, split, convert, formats, shape)
for command in (detect, train, evaluate, *_LABELS, info, import_model, export_model, fetch, embed, cluster):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _cairn(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print it.")] = False
) -> None:
    if version:
        import cairn

        print(cairn.__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    _make_printable()
    warnings.showwarning = _remark
    try:
        code = app(args=arguments, prog_name="cairn", standalone_mode=False)
        sys.stdout.flush()
        if code == 130:  # some versions of typer pass an interrupt on as this, others raise it
            raise KeyboardInterrupt
    except InputError as error:
        code = _refuse(str(error))
    except (KeyboardInterrupt, typer.Abort):
        print("cairn: stopped", file=sys.stderr)
        code = 130
    except (BrokenPipeError, SystemExit):  # the reader of our output has seen enough; typer exits itself at that
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        code = _refuse(f"{where}{error.strerror or error}")
    except Exception as error:
        # Wrong options. The class's home differs between versions of typer; what it can do does not.
        if not hasattr(error, "format_message"):
            raise
        code = _refuse(f"{error.format_message().rstrip('.')}; see cairn --help")
    raise SystemExit(code if isinstance(code, int) else 0)


def _make_printable() -> None:
    """Streams that are closed swallow; what a terminal has no letters for is written as ``\\u65e5``."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _remark(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """What a user should know is one sentence; what is for programmers is not shown."""
    if category is UserWarning:
        print(f"cairn: {' '.join(str(message).split())}", file=sys.stderr)


def _refuse(sentence: str) -> int:
    print(f"cairn: {' '.join(sentence.split())}", file=sys.stderr)
    return 2
