"""The command and response streams of a controller, over one program after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from twinbar.emulator.contract.chain_moves import Move
from twinbar.emulator.contract.vector_order import VectorBeats, in_proportion, vector_by_vector
from twinbar.emulator.engines.bulk.cascade_ops import cascade_ops
from twinbar.emulator.engines.bulk.cascade_schedule import follow_cascades
from twinbar.emulator.engines.bulk.layer_pass import LayerPass
from twinbar.emulator.engines.bulk.schedule import schedule, schedule_lists
from twinbar.emulator.engines.bulk.schedule_ops import multiply_ops
from twinbar.emulator.engines.bulk.transfer_ops import transfer_ops
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.timing import Durations

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
    waits : tuple of int64 [batch, tiles of the layer, 2]
        Of multiplications, layer by layer: those stalls in which the read path stayed on; and the same in cycles of
        the ADC channels that were on.
    """

    cycles: int
    stalls: np.ndarray
    served: int
    waits: tuple[np.ndarray, ...] = ()


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

    def follow_lists(self, offsets: np.ndarray, work: np.ndarray) -> ProgramCourse:
        """Follow lists of commands with one response each (arguments as in `list_ops`)."""
        stalls = np.zeros(self.controller.tiles, np.int64)
        depths = self.controller.command_depth, self.controller.response_depth
        cycles, self.served = schedule_lists(
            offsets, work, self.controller.tiles, *depths, self.served, stalls, _NO_WAITS
        )
        return ProgramCourse(cycles, stalls, self.served)

    def follow_multiplications(self, passes: Sequence[LayerPass], t: Durations) -> ProgramCourse:
        """Follow a program of multiplications: the vectors of its layers take turns (`in_proportion`)."""
        one = passes[0]
        spares = one.plan.shared or one.plan.block.cascade or self.controller.outputs_per_beat > 1
        if len(passes) == 1 and not spares and one.sent is None:
            ops, positions = multiply_ops(
                one.plan.block.first_tile,
                one.steps.taken,
                one.plan.words,
                one.plan.outputs,
                self.controller.adc_channels,
                one.changed,
                t,
            )
            course, waits = self._follow(ops, np.zeros((len(ops), 2), np.int64))
            places = [positions]
        else:
            beats, work, places = self._together(passes, t)
            course, waits = self._follow_cascades(beats, work, np.zeros((len(work), 2), np.int64))
        own_waits = tuple(waits[positions] for positions in places)
        return ProgramCourse(course.cycles, course.stalls, course.served, own_waits)

    def follow_chain(
        self, passes: Sequence[LayerPass], transfers: Sequence[Sequence[Move]], t: Durations
    ) -> ProgramCourse:
        """Follow a program of layers that feed one another: image by image, each layer behind what brings its inputs.

        ``transfers`` are those to every layer but the first.
        """
        registers, vectors, works, places = self._layers(passes, t)
        behind = sum(len(work) for work in works)
        in_turn = [vectors[0]]
        for own, products, moves in zip(passes[1:], vectors[1:], transfers, strict=True):
            beats, work = transfer_ops(moves, own.plan.block, behind)
            behind += len(work)
            works.append(work)
            in_turn += [VectorBeats.alike(beats, own.batch), products]
        beats = np.concatenate([*registers, vector_by_vector(in_turn)])
        work = np.concatenate(works)
        course, waits = self._follow_cascades(beats, work, np.zeros((len(work), 2), np.int64))
        return ProgramCourse(course.cycles, course.stalls, course.served, tuple(waits[own] for own in places))

    def _together(self, passes: Sequence[LayerPass], t: Durations) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Return beats and work of a program as `cascade_ops` does, and the places of each layer in the work."""
        registers, vectors, works, places = self._layers(passes, t)
        return np.concatenate([*registers, in_proportion(vectors)]), np.concatenate(works), places

    def _layers(
        self, passes: Sequence[LayerPass], t: Durations
    ) -> tuple[list[np.ndarray], list[VectorBeats], list[np.ndarray], list[np.ndarray]]:
        """Return the beats of each layer: its registers, its vectors; its work, and its places in all work."""
        registers: list[np.ndarray] = []
        vectors: list[VectorBeats] = []
        works: list[np.ndarray] = []
        places: list[np.ndarray] = []
        behind = 0
        for own in passes:
            rows, columns = own.plan.block.shape
            beats, work, counts, positions = cascade_ops(
                own.plan.block.first_tile,
                *((1, rows) if own.plan.block.by_column else (columns, 1)),
                own.plan.block.cascade,
                own.plan.shared,
                own.steps.taken,
                own.loads,
                own.takes_part,
                own.plan.outputs,
                self.controller.adc_channels,
                own.plan.lanes,
                own.changed,
                t,
            )
            beats["work"] += behind
            written = int(own.changed.sum())
            registers.append(beats[:written])
            vectors.append(VectorBeats(beats[written:], counts))
            works.append(work)
            places.append(positions + behind)
            behind += len(work)
        return registers, vectors, works, places

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
