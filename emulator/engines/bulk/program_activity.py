"""What a whole program did, from what its tiles did and for how long the streams let them wait."""

import numpy as np

from twinbar.emulator.contract import activity
from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.engines.bulk.cell_writes import Totals
from twinbar.emulator.engines.bulk.counts import COMMAND_BEAT, RESPOND
from twinbar.emulator.engines.bulk.stream import ProgramCourse
from twinbar.emulator.kernels.compiled import kernel
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.timing import PHASES, Phase

_IDLE = int(Phase.IDLE)
_STALL = int(Phase.STALL)
_SHARED_BEAT = int(Action.SHARED_BEAT)
_CLOCK_GATE = int(Action.CLOCK_GATE)
_MOST = 1 << 62
_ENDS = np.cumsum([len(ACTIONS), len(CellEnergy), len(PHASES)])

_gates = kernel(activity.gates)


def program_activity(course: ProgramCourse, totals: Totals) -> Activity:
    """Complete the phases of the tiles by the cycles that they wait, and sum what they did."""
    sums = np.empty(activity.COUNTS, np.int64)
    slowest = _sum_program(*totals, course.stalls, course.cycles, sums, _ENDS)
    if slowest < 0:  # a count has overflowed, or the sums might
        return Activity.of_program(totals.phases, totals.actions, totals.energy, course.cycles)
    return Activity.of_sums(sums, cycles=slowest, link_cycles=course.cycles - slowest)


@kernel
def _sum_program(phases, actions, energy, stalls, cycles, sums, ends):
    """Fill stalls, idle cycles and the sums; gives the cycles of the slowest tile, or -1 if a count is not plausible.

    See `Activity.of_program`, which does the same of any numbers.
    """
    sums[:] = 0
    tiles = phases.shape[0]
    slowest = np.int64(0)
    least = np.int64(0)
    most = np.int64(0)
    for tile in range(tiles):
        busy = np.int64(0)
        for phase in range(phases.shape[1]):
            busy += phases[tile, phase]
        phases[tile, _STALL] = stalls[tile]
        phases[tile, _IDLE] = cycles - busy - stalls[tile]
        slowest = max(slowest, busy)
        for n in range(actions.shape[1]):
            least, most = min(least, actions[tile, n]), max(most, actions[tile, n])
            sums[n] += actions[tile, n]
        for n in range(energy.shape[1]):
            least, most = min(least, energy[tile, n]), max(most, energy[tile, n])
            sums[ends[0] + n] += energy[tile, n]
        for n in range(phases.shape[1]):
            least, most = min(least, phases[tile, n]), max(most, phases[tile, n])
            sums[ends[1] + n] += phases[tile, n]
        commands = actions[tile, COMMAND_BEAT] + actions[tile, _SHARED_BEAT]
        sums[_CLOCK_GATE] += _gates(phases[tile, _IDLE], phases[tile, _STALL], phases[tile, RESPOND], commands)
    if least < 0 or most > _MOST // tiles:
        return np.int64(-1)
    return slowest
