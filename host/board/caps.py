"""Caps that are built into a board, which no register exceeds: asked for, and compared with what a run needs."""

from collections.abc import Iterator
from dataclasses import replace

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.register_settings import write_settings
from twinbar.host.transport.link import Link
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.fields import Field
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.registers import BY_ADDRESS, CAPS, CODE_CAPS, LINES, holder_of
from twinbar.hw.protocol.vocabulary import Opcode


def with_caps(link: Link, controller: ControllerConfig) -> ControllerConfig:
    """Return a controller with the caps of a board; a board that has none is asked only if its hash is another one.

    Raises
    ------
    LinkError
        If the board does not answer.
    """
    hello = link.hello
    uncapped = replace(
        controller, tiles=hello.tiles, command_depth=hello.command_depth, response_depth=hello.response_depth
    )
    if uncapped.hash == hello.hash:
        return controller
    answers = link.run(pack(Opcode.READ_REGISTER, 0, address=[CAPS.address, CODE_CAPS.address]))
    if unpack(answers)["status"].any():
        return controller
    caps, codes = unpack_results(Opcode.READ_REGISTER, answers)["value"].tolist()
    bit_line, source_line, word_line = (int(CODE_CAPS[line].of(codes)) for line in LINES)
    return replace(
        controller,
        width_cap=CAPS["width"].of(caps),
        pulse_cap=CAPS["pulses"].of(caps),
        code_caps=(bit_line, source_line, word_line),
    )


def check_caps(config: CrossbarConfig, controller: ControllerConfig) -> None:
    """Refuse a run whose pulses are beyond the caps of a board.

    Raises
    ------
    ConfigError
        What it needs, what the board is built for, and what would be right.
    """
    for name, field, value in _beyond(config, controller):
        most = field.bounds(controller)[1]
        if field.cap == "width_cap":
            need, cap = (f"pulses of {1e6 * cycles / config.clock_hz:g} us" for cycles in (value, most))
        elif field.cap == "pulse_cap":
            need, cap = f"{value} pulses per write", f"{most}"
        else:
            need, cap = f"the code {value} on the {field.name.replace('_', ' ')}", f"{most}"
        raise ConfigError(
            f"this run needs {need} ({name}), and the board is built for {cap} at most; choose another preset or "
            "configuration, or raise [limits] in the wiring file and build the board again"
        )


def _beyond(config: CrossbarConfig, controller: ControllerConfig) -> Iterator[tuple[str, Field, int]]:
    """Return registers, fields and values of a run that are above a cap."""
    for initial in (False, True):
        for address, value in write_settings(config.timing, config.algorithm(initial=initial)).items():
            holder = holder_of(address, controller)
            if holder is None:
                continue
            name = BY_ADDRESS[address].name if address in BY_ADDRESS else holder.name
            for field in holder.word_at(address):
                if field.cap and field.of(value) > field.bounds(controller)[1]:
                    yield name, field, field.of(value)
