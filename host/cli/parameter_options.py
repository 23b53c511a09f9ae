"""Options that are parameters of the controller or of its link: an error names the option."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from twinbar.hw.errors import ConfigError, ParameterError
from twinbar.hw.gateware.controller_config import OPTIONS

_SETTING = re.compile(rf"\b({'|'.join(OPTIONS)}) = (\w+)")
_PARAMETER = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_OF_LINK = {"link.baud": "--baud", "link.receive_bytes": "--link-buffer", "link.transmit_bytes": "--link-buffer"}


@contextmanager
def naming_options() -> Iterator[None]:
    """Let errors of the controller's parameters name the options: ``--adc-channels`` for ``adc_channels``.

    Others that the sentence names are meant, too ("set pulse_entries to 16"), and those of the link: ``--baud`` for
    ``link.baud``. Settings become what is given, or is not: ``--outputs-per-beat 1`` for ``outputs_per_beat = 1``, and
    ``no --cascade`` for ``cascade = false``.

    Raises
    ------
    ConfigError
        Also instead of a `ParameterError`.
    """
    try:
        yield
    except ParameterError as error:
        raise ConfigError(_PARAMETER.sub(_option, f"{_option(error.name)} {error.problem}")) from None
    except ConfigError as error:
        text = str(error)
        for parameter, option in _OF_LINK.items():
            text = text.replace(parameter, option)
        raise ConfigError(_SETTING.sub(_setting, text)) from None


def _setting(found: re.Match[str]) -> str:
    option, value = _option(found[1]), found[2]
    return {"false": f"no {option}", "true": option}.get(value, f"{option} {value}")


def _option(parameter: str | re.Match[str]) -> str:
    name = parameter if isinstance(parameter, str) else parameter[0]
    return f"--{name.replace('_', '-')}"
