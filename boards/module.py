"""Modules that are plugged onto a connector, as data."""

from importlib import resources
from typing import Literal

from twinbar.boards.toml_file import read_toml
from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.adc import AdcPart
from twinbar.hw.parts.dac import DacPart
from twinbar.hw.parts.known_parts import KNOWN_PARTS, Part
from twinbar.hw.parts.switch import SwitchPart
from twinbar.hw.registry import is_reference
from twinbar.hw.toml_table import TomlTable

Bus = Literal["dac", "adc", "switches"]

_KINDS: dict[str, type] = {"dac": DacPart, "adc": AdcPart, "switches": SwitchPart}


class Plugged(TomlTable):
    """A kind of module.

    Parameters
    ----------
    title : str
    bus : str
        Which of the front end's buses it is on.
    part : str
        Name of a part, or ``package.module:NAME``.
    numbered : str, optional
        Signal that the modules on a bus have one after the other: chip selects of DACs, inputs of ADCs.
    pins : dict of str to int
        Number of its pin by signal: ``select_n.0``, ``clock``, ``data``, ``inputs.0`` ..., and ``open`` of switches.
    settle_ns : float
        What filters on the module, before an ADC, take to come to rest.
    """

    title: str
    bus: Bus
    part: str
    numbered: str = ""
    pins: dict[str, int]
    settle_ns: float = 0.0

    def signal(self, pin: str, first: int) -> str:
        """Return the name of the front end's pin that one of the module's is, if the module is the ``first``-th."""
        if pin == "open":
            return "switches_open"
        member, _, place = pin.rpartition(".")
        if member and member == self.numbered:
            return f"{self.bus}.{member}.{int(place) + first}"
        return f"{self.bus}.{pin}"


def module_names() -> list[str]:
    """Return the names of the modules that come with Twinbar."""
    files = resources.files("twinbar.boards.modules").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def find_module(name: str) -> Plugged:
    """Return a module by name.

    Raises
    ------
    ConfigError
        If there is none of that name, or its file is wrong.
    """
    if name not in module_names():
        raise ConfigError(f"there is no module {name!r}; choose one of {', '.join(module_names())}, or wire its pins")
    file = resources.files("twinbar.boards.modules") / f"{name}.toml"
    return read_toml(Plugged, file, f"module {name}")


def find_part(name: str, bus: str) -> Part:
    """Return the part that a bus is driven for, by name or as ``package.module:NAME``.

    Raises
    ------
    ConfigError
        If there is no driver for it on this bus, or it comes from a plug-in and cannot be used.
    """
    if is_reference(name) or name in KNOWN_PARTS.names():
        part = KNOWN_PARTS.load(name)
        if isinstance(part, _KINDS[bus]):
            return part
    there = [*KNOWN_PARTS.built_in().values(), *KNOWN_PARTS.plugged(lambda problem: None).values()]
    known = sorted(part.name for part in there if isinstance(part, _KINDS[bus]))
    raise ConfigError(f"there is no driver for {name!r} on the bus {bus}; there is one for {', '.join(known)}")
