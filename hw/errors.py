"""Errors that a user can act on."""


class TwinbarError(Exception):
    """An error whose text is one clear sentence for the user; ``exit_status`` is what the command line returns."""

    exit_status = 1


class ConfigError(TwinbarError, ValueError):
    """A configuration, preset, data set or argument that cannot be used."""

    exit_status = 2


class ParameterError(ConfigError):
    """A parameter of the controller that cannot be used; who took it from a user says how the user calls it.

    Parameters
    ----------
    name : str
        Of the parameter, such as ``adc_channels``.
    problem : str
        The rest of the sentence: "is 3; it must be ...".
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"controller.{name} {problem}")
        self.name = name
        self.problem = problem

    def called(self, name: str) -> ConfigError:
        """Return the error with the name by which the user knows the parameter, such as ``--adc-channels``."""
        return ConfigError(f"{name} {self.problem}")


class ToolMissingError(TwinbarError):
    """A toolchain or simulator that this machine lacks; the text names the command that installs it."""

    exit_status = 3


class RefusedError(TwinbarError):
    """A command that a controller refused; the text says which, why, and what to do first."""


class LinkError(TwinbarError):
    """A board or link that does not answer as it should."""

    exit_status = 4


class PortInUseError(LinkError):
    """A port that another host has; the text says which one, where that is known."""


class SilentBoardError(LinkError):
    """A board that does not answer, or no longer: its port is gone, its supply is off, or it is another thing."""
