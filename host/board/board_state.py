"""What a board says of itself and of its tiles, and how it is made safe."""

import contextlib
from typing import Any, Final

from twinbar.host.board.front_end_name import values_of
from twinbar.host.transport.controller_state import read_counters, read_faults
from twinbar.host.transport.link import Link
from twinbar.hw.errors import LinkError
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Opcode

_LONGEST_PARTING_S: Final = 2.0
"""Bound for the answer to a SAFE, which takes a few cycles."""


def board_state(link: Link) -> dict[str, Any]:
    """Ask a board for its identity, and every tile for its faults and counters.

    Raises
    ------
    LinkError
        If the board does not answer.
    """
    hello = link.hello
    tiles = []
    for tile in range(hello.tiles):
        cycles, actions = read_counters(link, tile)
        tiles.append(
            {
                "faults": sorted(read_faults(link, tile)),
                "cycles": cycles,
                "actions": {action.name.lower(): count for action, count in actions.items()},
            }
        )
    return {
        "board": {
            "configuration": f"{hello.hash:016x}",
            "protocol": f"{hello.major}.{hello.minor}",
            "tiles": hello.tiles,
            "rows": hello.rows,
            "columns": hello.columns,
            "adc_channels": hello.adc_channels,
            "adc_bits": hello.adc_bits,
            "dac_bits": hello.dac_bits,
            "input_bits": hello.input_bits,
            "front_end": " or ".join(values_of(hello.front_end, hello.clock_hz)) or "another wiring",
            "clock_hz": hello.clock_hz,
            "link_version": hello.link_version,
            "baud": round(hello.baud),
            "receive_bytes": 1 << hello.receive_log2,
            "transmit_bytes": 1 << hello.transmit_log2,
            "linger_ms": round(1e3 * hello.linger / hello.clock_hz, 3),
            "command_depth": hello.command_depth,
            "response_depth": hello.response_depth,
        },
        "tiles": tiles,
    }


def make_safe(link: Link) -> int:
    """Stop and disarm every tile, and give how many have said that they are.

    Raises
    ------
    LinkError
        If a tile does not say so.
    """
    answers = unpack(link.run(pack(Opcode.SAFE, 0)))
    found = set(answers["tile"][answers["opcode"] == Opcode.SAFE.value].tolist())
    silent = set(range(link.hello.tiles)) - found
    if silent or answers["status"].any():
        raise LinkError(
            f"tile {min(silent) if silent else 0} has not said that it is disarmed; switch the supply of the array off"
        )
    return len(found)


def leave_safe(link: Link) -> None:
    """Make a board safe before its line is given back, whatever has happened to the session.

    If it was broken off, or the board does not know it any more, another one is started, with whose reset the board
    disarms. That takes a few seconds at most, also where nothing answers.

    Raises
    ------
    LinkError
        If the board has not said that it is safe.
    """
    link.longest_work_s = _LONGEST_PARTING_S
    with contextlib.suppress(LinkError):
        if link.usable:
            make_safe(link)
            return
    try:
        link.connect()
        make_safe(link)
    except LinkError as error:
        raise LinkError(f"the board may still be armed, so switch the supply of its array off: {error}") from error
