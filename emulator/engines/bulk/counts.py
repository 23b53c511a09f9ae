"""Cycles and counts, compiled: what the kernels add to the phases, actions and energies of a tile."""

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.kernels.compiled import kernel
from twinbar.hw import timing
from twinbar.hw.actions import Action
from twinbar.hw.timing import Phase

add_write = kernel(timing.add_write)
add_multiply = kernel(timing.add_multiply)
add_load = kernel(timing.add_load)
add_housekeeping = kernel(timing.add_housekeeping)
driven_cycles = kernel(timing.driven_cycles)
step_channel_cycles = kernel(timing.step_channel_cycles)
answer_channel_cycles = kernel(timing.answer_channel_cycles)


@kernel
def add_read(phases, t):
    """`twinbar.hw.timing.add_read`, compiled: a write that is already in its window."""
    return add_write(phases, t, 1, 0, 0, 0)


@kernel
def add_gain_calibration(phases, t, bits):
    """`twinbar.hw.timing.add_gain_calibration`, compiled; gives the cycles before the response."""
    return add_write(phases, t, bits, 0, 0, 0)


@kernel
def add_compared_write(phases, t, reads, conversions, comparisons, sets, resets, drive_updates):
    """Add the cycles of a write by the pulse table to ``phases``; gives those before its response.

    ``conversions`` of the reads convert, ``t.samples`` times each; the others make ``comparisons``, one or two each.
    The rest is as in `twinbar.hw.timing.add_write`.
    """
    before = add_write(phases, t, reads, sets, resets, drive_updates)
    spared = (reads - conversions) * t.samples * t.convert - comparisons * t.compare
    phases[CONVERT] -= spared
    return before - spared


RESPOND = int(Phase.RESPOND)
CONVERT = int(Phase.CONVERT)

SELECT_CELL = int(Action.SELECT_CELL)
CONVERT_VERIFY = int(Action.CONVERT_VERIFY)
DRIVE_UPDATE = int(Action.DRIVE_UPDATE)
PULSE_SET = int(Action.PULSE_SET)
PULSE_RESET = int(Action.PULSE_RESET)
WRITE_OK = int(Action.WRITE_OK)
WRITE_FAILED = int(Action.WRITE_FAILED)
CONVERT_FORWARD = int(Action.CONVERT_FORWARD)
ROW_DRIVE = int(Action.ROW_DRIVE)
INPUT_STEP = int(Action.INPUT_STEP)
SHIFT_ADD = int(Action.SHIFT_ADD)
COMMAND_BEAT = int(Action.COMMAND_BEAT)
RESPONSE_BEAT = int(Action.RESPONSE_BEAT)
COMPARE = int(Action.COMPARE)
CHANNEL_CYCLE = int(Action.CHANNEL_CYCLE)
CHANNEL_WAKE = int(Action.CHANNEL_WAKE)

ENERGY_SET = int(CellEnergy.SET)
ENERGY_RESET = int(CellEnergy.RESET)
ENERGY_VERIFY = int(CellEnergy.VERIFY)
ENERGY_FORWARD = int(CellEnergy.FORWARD)
