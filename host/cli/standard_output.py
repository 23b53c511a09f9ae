"""Standard output that says of itself, in one sentence, that it cannot be written."""

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from twinbar.hw.errors import TwinbarError


class OutputError(TwinbarError):
    """Standard output cannot be written."""


class StandardOutput(io.TextIOWrapper):
    """A text stream whose failures are told apart from those of other files.

    A reader that has gone (``twinbar ... | head``) is no failure: Click ends the command then.
    """

    def write(self, text: str) -> int:
        """Write text.

        Raises
        ------
        OutputError
            If the disk behind the stream is full, or it cannot be written for another reason.
        """
        with _failures_named():
            return super().write(text)

    def flush(self) -> None:
        """Write what is kept back (errors as of `write`)."""
        with _failures_named():
            super().flush()


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise OutputError(
            f"standard output cannot be written ({error.strerror or error}); make room, or redirect it elsewhere"
        ) from error


def name_output_failures() -> None:
    """Let standard output name itself where it fails; a stream that was put in its place is left alone."""
    stream = sys.stdout
    if type(stream) is not io.TextIOWrapper:
        return
    stream.flush()
    sys.stdout = StandardOutput(
        stream.buffer,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
