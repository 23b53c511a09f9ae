"""The watchdog of a board's tiles: on in every session, and fed by the host for as long as it lives.

A tile that is armed, and hears neither a command nor an intact frame of its session for `WATCHDOG_S`, closes its gate,
disarms and latches the fault WATCHDOG. The host feeds it with its frames: those of a program, and between programs an
empty one every `FEED_S` from a thread of its own. A host that is killed, stopped, or cut off therefore leaves no cell
armed for longer than that.
"""

from typing import Final

from twinbar.host.transport.controller_state import write_registers
from twinbar.host.transport.link import Link
from twinbar.hw.protocol.registers import WATCHDOG

WATCHDOG_S: Final = 5.0
"""Silence of the host after which armed tiles stop: above what a busy host or a slow port costs."""
FEED_S: Final = 1.0
"""From one sign of life to the next."""


def watchdog_cycles(clock_hz: float) -> int:
    """Return `WATCHDOG_S` in cycles, or what the register holds at most, which is less above 53 MHz."""
    return min(round(WATCHDOG_S * clock_hz), WATCHDOG.most)


def start_watchdog(link: Link) -> None:
    """Switch the watchdogs of all tiles on, and feed them from now on; a session has just begun.

    Raises
    ------
    LinkError
        If a tile refuses.
    """
    for tile in range(link.hello.tiles):
        write_registers(link, tile, {WATCHDOG.name: watchdog_cycles(link.hello.clock_hz)})
    link.keep_alive(FEED_S)
