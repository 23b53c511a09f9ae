"""Errors on the command line: one sentence on standard error and the exit status of its kind."""

import os
import traceback
from typing import Final

from rich.console import Console
from rich.text import Text

from twinbar.hw.errors import TwinbarError

DEBUG_VARIABLE: Final = "TWINBAR_DEBUG"
INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as of a shell: 128 + SIGINT."""

LONGEST: Final = 1000
"""Characters of a sentence."""

_debug = False


def set_debug(wanted: bool) -> bool:
    """Show tracebacks from now on, or no longer."""
    global _debug
    _debug = wanted
    return wanted


def show(error: Exception) -> int:
    """Print an error and give the exit status.

    Parameters
    ----------
    error : Exception
        A `TwinbarError` says what is wrong in its text; anything else is a failure that nobody foresaw.
    """
    if _debug or os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
        traceback.print_exception(error)
    if isinstance(error, TwinbarError):
        say("Error", str(error))
        return error.exit_status
    if _is_out_of_memory(error):
        say("Error", "there is not enough memory for this; choose a smaller network, batch or array")
        return 1
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    say("Error", f"{text} (--debug or {DEBUG_VARIABLE}=1 shows where)")
    return 1


def _is_out_of_memory(error: Exception) -> bool:
    # PyTorch has no type of its own for it on the processor.
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error).lower()
    )


def warn(sentence: str) -> None:
    """Print a warning: something is left out, the rest goes on."""
    say("Warning", sentence)


def say(kind: str, sentence: str) -> None:
    """Print one line on standard error, its first word coloured on a terminal."""
    console = Console(stderr=True)
    console.print(Text.assemble((f"{kind}:", "bold red"), " ", _shortened(" ".join(sentence.split()))), soft_wrap=True)


def _shortened(sentence: str) -> str:
    """Cut out the middle of a sentence that quotes a damaged file at length."""
    if len(sentence) <= LONGEST:
        return sentence
    return f"{sentence[: LONGEST - 200]} ... {sentence[-200:]}"
