"""Where every pin of a front end goes on a board, and what is wrong with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from amaranth.build import Pins

from twinbar.boards.module import Plugged
from twinbar.boards.pin_names import FrontEndPin
from twinbar.boards.wiring import Plug, Wiring
from twinbar.hw.errors import ConfigError

STOP = "stop"
HEARTBEAT = "heartbeat"
"""The emergency stop, and what shows that the clock runs, are placed like pins of the front end."""
OF_THE_BOARD = (STOP, HEARTBEAT)
WRITE_GATE = "write_gate"
"""The pin that `twinbar.hw.gateware.stop_gate` guards."""


@dataclass(frozen=True)
class Placement:
    """Where the pins go.

    Parameters
    ----------
    places : dict of str to list of str
        Pins of the board (``pmod_0:1``) by pin of the front end. A pin of the front end that drives several parts has
        several.
    fixed : dict of str to int
        Levels of the inputs that have no place.
    """

    places: dict[str, list[str]]
    fixed: dict[str, int]


def place(
    wiring: Wiring,
    pins: dict[str, FrontEndPin],
    sockets: dict[str, str],
    taken: dict[str, str],
) -> Placement:
    """Find the place of every pin.

    Parameters
    ----------
    wiring : Wiring
    pins : dict of str to FrontEndPin
        `twinbar.boards.pin_names.front_end_pins`
    sockets : dict of str to str
        Pin of the FPGA by pin of a connector: `sockets_of`.
    taken : dict of str to str
        What the board itself uses a pin of the FPGA for.

    Raises
    ------
    ConfigError
        If a pin does not exist, is given twice, or has no place, or the level of an input without a place is described.
    """
    places: dict[str, list[str]] = {}
    users: dict[str, str] = {}
    for name, socket in _wires(wiring, pins):
        _check_socket(socket, sockets)
        package_pin = sockets[socket]
        if package_pin in taken:
            raise ConfigError(f"{name} is wired to {socket}, which is {taken[package_pin]} of the board; change it")
        if package_pin in users:
            raise ConfigError(f"{socket} is given twice, for {users[package_pin]} and for {name}; change one of them")
        users[package_pin] = name
        places.setdefault(name, []).append(socket)
    inputs = {name for name, pin in pins.items() if pin.is_input} | {STOP}
    for name, where in places.items():
        if name in inputs and len(where) > 1:
            raise ConfigError(f"the input {name} has two places, {' and '.join(where)}; it must have one")
    fixed = dict(_fixed(wiring, pins, inputs))
    unused = _unused(wiring, pins, inputs)
    for name in places:
        if name in fixed or name in unused:
            where_else = "fixed" if name in fixed else "unused"
            raise ConfigError(f"{name} has a place, {places[name][0]}, and is {where_else} too; keep one")
    for name in wiring.inputs:
        if name not in places:
            raise ConfigError(
                f"[inputs.{name}] says how {name} is wired, and {name} has no place; give it one under [pins], or "
                "remove the section"
            )
    missing = [name for name in pins if name not in places and name not in fixed and name not in unused]
    if missing:
        inwards = pins[missing[0]].is_input
        remedy = "fix its level under [fixed]" if inwards else "name it in `unused`"
        more = f" ({len(missing)} pins have none)" if len(missing) > 1 else ""
        raise ConfigError(f"{missing[0]} of the front end has no place{more}; wire it under [pins], or {remedy}")
    return Placement(places, fixed)


def sockets_of(platform: Any) -> dict[str, str]:
    """Return the pin of the FPGA behind every pin of a board's connectors."""
    return {
        f"{connector.name}_{connector.number}:{pin}": package_pin
        for connector in platform.connectors.values()
        for pin, package_pin in connector.mapping.items()
    }


def package_pins(platform: Any, names: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Return the name of the resource that uses a pin of the FPGA, for some resources of a board."""
    return {
        pin: f"{name} {number}"
        for name, number in names
        for pins in _pins_of(platform.resources[name, number].ios)
        for pin in pins.names
    }


def _pins_of(ios: Iterable[Any]) -> Iterator[Pins]:
    for part in ios:
        if isinstance(part, Pins):
            yield part
        elif hasattr(part, "ios"):
            yield from _pins_of(part.ios)


def _wires(wiring: Wiring, pins: dict[str, FrontEndPin]) -> Iterator[tuple[str, str]]:
    """Return every pair of a front end's pin and a connector's pin, as the file has them."""
    for plug, kind in wiring.plugged():
        yield from _module_wires(plug, kind, pins)
    for name, where in wiring.pins.items():
        if isinstance(where, str):
            _check_name(name, pins)
            yield name, where
            continue
        bits = [pin for pin in pins if pin.rpartition(".")[0] == name]
        if len(bits) != len(where):
            raise ConfigError(f"{name} has {len(where)} places; this front end has {len(bits)} bits of it")
        yield from zip(bits, where, strict=True)


def _module_wires(plug: Plug, kind: Plugged, pins: dict[str, FrontEndPin]) -> Iterator[tuple[str, str]]:
    unknown = set(plug.pins) - set(kind.pins.values())
    if unknown:
        raise ConfigError(f"the module {plug.module} has no pin {min(unknown)} to be wired")
    for pin, number in kind.pins.items():
        name = kind.signal(pin, plug.first)
        if name in pins:
            yield name, plug.place(number)
        elif ".inputs." not in name:
            # Inputs beyond the channels of the tile are left over; anything else is a mistake.
            raise ConfigError(f"the module {plug.module} is wired to {name}, which this front end does not have")


def _check_name(name: str, pins: dict[str, FrontEndPin]) -> None:
    if name in pins or name in OF_THE_BOARD:
        return
    near = get_close_matches(name, [*pins, *OF_THE_BOARD], 1)
    hint = f"; did you mean {near[0]!r}?" if near else "; docs/boards.md lists them"
    raise ConfigError(f"the front end has no pin {name!r}{hint}")


def _check_socket(socket: str, sockets: dict[str, str]) -> None:
    if socket in sockets:
        return
    connector, _, pin = socket.partition(":")
    connectors = sorted({known.partition(":")[0] for known in sockets})
    if connector not in connectors:
        raise ConfigError(f"the board has no connector {connector!r}; it has {', '.join(connectors)}")
    raise ConfigError(f"the connector {connector} has no pin {pin!r} that can be used")


def _fixed(wiring: Wiring, pins: dict[str, FrontEndPin], inputs: set[str]) -> Iterator[tuple[str, int]]:
    for name, level in wiring.fixed.items():
        _check_name(name, pins)
        if name not in inputs:
            raise ConfigError(f"{name} is driven by the FPGA and cannot be fixed; name it in `unused`")
        yield name, level


def _unused(wiring: Wiring, pins: dict[str, FrontEndPin], inputs: set[str]) -> set[str]:
    found = set()
    for beginning in wiring.unused:
        named = {name for name in pins if name == beginning or name.startswith(f"{beginning}.")}
        if not named:
            _check_name(beginning, pins)
        for name in named & inputs:
            raise ConfigError(f"{name} is an input and needs a level; give it one under [fixed]")
        found |= named
    return found
