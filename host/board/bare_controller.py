"""A controller on a board whose cells nobody has described: what it counts itself, and nothing else."""

import numpy as np

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.host.board.tile_counters import TileCounters
from twinbar.host.board.watchdog import start_watchdog
from twinbar.host.transport.link import Link
from twinbar.hw.gateware.controller_config import ControllerConfig


class BareController:
    """A controller on a board, without an emulator beside it (see `BoardController`).

    Cell energy, extreme codes and row drives, which no board tells, are 0; cycles of single responses are too.

    Parameters
    ----------
    link : Link
    controller : ControllerConfig
    """

    def __init__(self, link: Link, controller: ControllerConfig) -> None:
        self.controller = controller
        self.link = link
        start_watchdog(link)
        self._counters = TileCounters(controller.tiles)
        self._counters.begin(link.run(self._counters.closing))

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""
        counters, tiles = self._counters, self.controller.tiles
        answers = self.link.run(np.concatenate([counters.opening, program.commands, counters.closing]))
        responses, phases, actions = counters.take(answers)
        return ProgramResult(
            responses=responses,
            response_cycles=np.zeros(len(responses), np.int64),
            accepted=np.zeros(len(program.commands), np.int64),
            cycles=int(phases[0].sum()),
            phases=phases,
            actions=actions,
            energy=np.zeros((tiles, len(CellEnergy)), np.int64),
            extremes=np.zeros((tiles, 3), np.int64),
        )
