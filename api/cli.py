"""The command `constancia`: where it begins and how it ends.

    0  fine          1  findings, or refused          2  it could not be done

Its commands stand in `command_*.py`, and what they share in `command.py`.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, cast

import rich_click as click

from api import (
    command_assess,
    command_capture,
    command_checks,
    command_cite,
    command_export,
    command_ledger,
    command_people,
    command_rounds,
    command_witness,
)
from api.command import (
    COULD_NOT,
    FINE,
    FOUND,
    constancia,
    say,
    show_refusal,
)
from api.screen import screen
from ledger.errors import CannotRun, Misbehaviour, Refused

# They put themselves below the root when they are read.
COMMANDS = (
    command_people,
    command_rounds,
    command_assess,
    command_capture,
    command_checks,
    command_cite,
    command_export,
    command_ledger,
    command_witness,
)


# --- the way out -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Run the command of `sys.argv`; ends the process with 0, 1 or 2."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit code. Only bugs of ours show a traceback, and only with --debug."""
    try:
        answer: object = constancia.main(list(arguments), prog_name="constancia", standalone_mode=False)
    except click.ClickException as error:
        _usage(error, arguments)
        return COULD_NOT
    except (click.Abort, KeyboardInterrupt):
        screen.note("Interrumpido.", "Interrupted.")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; what Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Refused as refused:
        show_refusal(refused)
        return FOUND
    except Misbehaviour as fault:
        if screen.debug:
            raise
        screen.fail(str(fault))
        return FOUND
    except CannotRun as error:
        if screen.debug:
            raise
        screen.cannot(error)
        return COULD_NOT
    except Exception as error:
        if screen.debug:
            raise
        screen.fail(
            say(
                f"Esto es un defecto de constancia: {type(error).__name__}: {error}",
                f"This is a defect of constancia: {type(error).__name__}: {error}",
            ),
            say(
                "Repita la orden con --debug y envíe la traza a quienes la mantienen.",
                "Run the command again with --debug and send the traceback to its maintainers.",
            ),
        )
        return COULD_NOT
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else FINE


def _usage(error: click.ClickException, arguments: Sequence[str]) -> None:
    """What was wrong with the command line, and where its help is."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: the message is its help
        print(error.message)
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "constancia"
    if not context and arguments and arguments[0] in constancia.commands:
        path = f"constancia {arguments[0]}"
    screen.fail(_usage_words(error), say(f"Ayuda: {path} --help", f"Help: {path} --help"))


def _usage_words(error: click.ClickException) -> str:
    if screen.lang == "en":
        return error.format_message()
    if type(error).__name__ == "NoSuchCommand":
        return f"no hay ninguna orden {cast('Any', error).command_name}."
    match error:
        case click.NoSuchOption():
            similar = f" ¿Quiso decir {', '.join(sorted(error.possibilities))}?" if error.possibilities else ""
            return f"no hay ninguna opción {error.option_name}.{similar}"
        case click.MissingParameter():
            name = error.param.get_error_hint(cast("click.Context", error.ctx)) if error.param else ""
            return f"falta {name}."
        case click.BadOptionUsage():
            return f"falta el valor de {error.option_name}, o sobra."
        case click.BadParameter():
            name = error.param.get_error_hint(cast("click.Context", error.ctx)) if error.param else ""
            kind = error.param.type if error.param else None
            if isinstance(kind, click.IntRange):
                least, most = kind.min, kind.max
                bounds = f"de {least} a {most}" if most is not None else f"de {least} en adelante"
                return f"el valor de {name} no sirve: se espera un número entero, {bounds}."
            if isinstance(kind, click.Choice):
                return f"el valor de {name} no sirve: se espera uno de {', '.join(map(str, kind.choices))}."
            return f"el valor de {name} no sirve: {error.message}"
        case _:
            return error.format_message()


if __name__ == "__main__":
    main()
