"""Options that are parameters of the controller: an error names the option."""

from collections.abc import Iterator
from contextlib import contextmanager

from twinbar.hw.errors import ParameterError


@contextmanager
def naming_options() -> Iterator[None]:
    """Let errors of the controller's parameters name the options: ``--adc-channels`` for ``adc_channels``.

    Raises
    ------
    ConfigError
        Instead of a `ParameterError`.
    """
    try:
        yield
    except ParameterError as error:
        raise error.called(f"--{error.name.replace('_', '-')}") from None
