"""The command and response streams of a controller, over one program after the other."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.engines.bulk.cascade_ops import cascade_ops
from twinbar.emulator.engines.bulk.cascade_schedule import follow_cascades
from twinbar.emulator.engines.bulk.schedule import schedule
from twinbar.emulator.engines.bulk.schedule_ops import list_ops, multiply_ops
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.timing import Durations

REMEMBERED: Final = 256
"""Courses of multiplications that are kept."""
_NO_WAITS: Final = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class ProgramCourse:
    """How a program went.

    Parameters
    ----------
    cycles : int
        From its first beat to its last response.
    stalls : int64 [tiles]
        Cycles in which a tile's response waited.
    served : int
        Tile that was answered last.
    waits : int64 [batch, tiles of the layer, 2]
        Of multiplications: those stalls in which the read path stayed on; and the same in cycles of the ADC channels
        that were on. Else [0, 0, 2].
    """

    cycles: int
    stalls: np.ndarray
    served: int
    waits: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 2), np.int64))


class Stream:
    """Gives the course of each program, and keeps what the next one depends on.

    Parameters
    ----------
    controller : ControllerConfig
    """

    def __init__(self, controller: ControllerConfig) -> None:
        self.controller = controller
        self.served = controller.tiles - 1
        """Tile that the arbiter served last: round robin goes on behind it."""
        self._remembered: OrderedDict[tuple[object, ...], ProgramCourse] = OrderedDict()

    def follow_lists(self, offsets: np.ndarray, work: np.ndarray) -> ProgramCourse:
        """Follow lists of commands with one response each (arguments as in `list_ops`)."""
        course, _ = self._follow(list_ops(offsets, work), _NO_WAITS)
        return course

    def follow_multiplications(
        self,
        block: TileBlock,
        steps: np.ndarray,
        words: np.ndarray,
        outputs: np.ndarray,
        changed: np.ndarray,
        t: Durations,
        *,
        shared: bool = False,
    ) -> ProgramCourse:
        """Follow a batch of multiplications.

        With DAC inputs one batch goes like the next, so that courses are remembered.

        Parameters
        ----------
        block : TileBlock
        steps, words, outputs, changed, t
            As in `multiply_ops`.
        shared : bool
            Whether the column tiles of a row share their inputs.
        """
        key = (
            (block.first_tile, self.served, shared, block.cascade, steps.shape),
            tuple(array.tobytes() for array in (steps, words, outputs, changed)),
        )
        course = self._remembered.get(key)
        if course is not None:
            self._remembered.move_to_end(key)
            self.served = course.served
            return course
        arguments = steps, words, outputs, self.controller.adc_channels
        if shared or block.cascade or self.controller.outputs_per_beat > 1:
            rows, columns = block.shape
            strides = (1, rows) if block.by_column else (columns, 1)
            lanes = self.controller.outputs_per_beat
            beats, work, positions = cascade_ops(
                block.first_tile, *strides, block.cascade, shared, *arguments, lanes, changed, t
            )
            course, waits = self._follow_cascades(beats, work, np.zeros((len(work), 2), np.int64))
        else:
            ops, positions = multiply_ops(block.first_tile, *arguments, changed, t)
            course, waits = self._follow(ops, np.zeros((len(ops), 2), np.int64))
        course = ProgramCourse(course.cycles, course.stalls, course.served, waits[positions])
        self._remembered[key] = course
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return course

    def _follow_cascades(
        self, beats: np.ndarray, work: np.ndarray, waits: np.ndarray
    ) -> tuple[ProgramCourse, np.ndarray]:
        stalls = np.zeros(self.controller.tiles, np.int64)
        depths = self.controller.command_depth, self.controller.response_depth
        cycles, self.served = follow_cascades(beats, work, self.controller.tiles, *depths, self.served, stalls, waits)
        return ProgramCourse(cycles, stalls, self.served), waits

    def _follow(self, ops: np.ndarray, waits: np.ndarray) -> tuple[ProgramCourse, np.ndarray]:
        stalls = np.zeros(self.controller.tiles, np.int64)
        depths = self.controller.command_depth, self.controller.response_depth
        cycles, self.served = schedule(ops, self.controller.tiles, *depths, self.served, stalls, waits)
        return ProgramCourse(cycles, stalls, self.served), waits
