"""A controller on a board (`twinbar.emulator.contract.program.ProgramController`), with an emulator beside it.

Responses, cycles by phase and counts come from the board. What no board can tell is the emulator's: the *shadow*, a
controller of the engine `fast` that runs the same programs. Where the board's array is an emulated one the shadow is
exact, and any response that differs is an error found; beside a real array it predicts, and is corrected by what the
responses say of the cells.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.board.caps import check_caps, with_caps
from twinbar.host.board.identity import board_controller
from twinbar.host.board.measured import OffsetTables, pulses_of, put_readings
from twinbar.host.board.tile_counters import TileCounters
from twinbar.host.board.watchdog import WATCHDOG_S, start_watchdog
from twinbar.host.transport.link import Link
from twinbar.host.transport.patient_line import say_nothing
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError, SilentBoardError, TwinbarError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status
from twinbar.hw.timing import Phase

COUNTED: Final = "counted"
"""Name in a checkpoint of the counts by which a board's array is recognised."""


class BoardController:
    """A controller on a board.

    Parameters
    ----------
    config : CrossbarConfig
    controller : ControllerConfig
        Tiles that are needed, from the board's first; the board may have more.
    mapped_columns, faults : optional
        As for any controller; the shadow's.
    link : Link
    check : bool
        Whether a response that differs from the shadow's is an error: for boards whose array is emulated.

    Attributes
    ----------
    responses, differing : int
        Responses compared with the shadow's, and how many were not equal.
    holds_checkpoint : bool
        Whether the array is as in the checkpoint that was last loaded; if not, its cells have to be written.
    notice : callable
        Takes a sentence on what a user should know.

    Raises
    ------
    ConfigError
        If the board does not fit the configuration.
    LinkError
        If it does not answer as it should; a `SilentBoardError` if the watchdog has cut a program off, whose cells are
        then known only in part.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        controller: ControllerConfig,
        *,
        mapped_columns: np.ndarray | None = None,
        faults: np.ndarray | None = None,
        link: Link,
        check: bool = False,
    ) -> None:
        self.config = config
        self.controller = controller
        self.link = link
        self.check = check
        self.responses = self.differing = 0
        self.holds_checkpoint = True
        self.notice: Callable[[str], None] = say_nothing
        found = self._identified()
        self._shadowed = replace(found, tiles=controller.tiles)
        self._mapped_columns, self._faults = mapped_columns, faults
        self._shadow = self._make_shadow()
        self._offsets = OffsetTables(config, controller.tiles)
        self._known: np.ndarray | None = None
        self._sessions = 0
        self.start_session()

    def _make_shadow(self) -> FastController:
        return FastController(self.config, self._shadowed, mapped_columns=self._mapped_columns, faults=self._faults)

    def _identified(self) -> ControllerConfig:
        found = board_controller(self.link.hello, self.config, with_caps(self.link, self.controller))
        check_caps(self.config, found)
        return found

    def start_session(self) -> None:
        """Follow a link whose session has just begun: the controller was reset, and its counters are read.

        Raises
        ------
        ConfigError
            If it is another board now.
        """
        self._identified()
        self._sessions += 1
        self._shadow.reset()
        start_watchdog(self.link)
        self._modes = np.zeros(self.controller.tiles, np.int64)
        self._counters = TileCounters(self.controller.tiles)
        self._counters.begin(self.link.run(self._counters.closing))
        self._counted_first = first = self._counters.of_the_array
        is_new = not first.any()
        if self._sessions > 1 and self.check and is_new:
            # An emulated array has no cells without supply.
            self._shadow = self._make_shadow()
        self._in_step = is_new or (self._known is not None and bool((first == self._known).all()))
        self._conversions_first = self._shadow.cells()["conversions"]

    # --- programs -----------------------------------------------------------------------------------------------

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end.

        Its commands arrive, and its responses are taken, when the link does it; waiting for it is ``idle`` and
        ``stall``. Cycles of single responses and commands are the shadow's, in which nothing waits for a link.

        Raises
        ------
        ConfigError
            If the program asks for what only a simulated world can do.
        LinkError
            If the link fails.
        TwinbarError
            If a response differs from the shadow's and ``check`` is set.
        """
        if len(program.pins) or np.any(program.arrivals) or not program.ready.all():
            raise ConfigError(
                "a board cannot run a program that says when its beats arrive, its responses are taken or its pins are "
                "pulsed; run it on an engine that is simulated"
            )
        if self.check and not self._in_step and program.kind != "initialization":
            raise TwinbarError(
                "the emulated array on the board is not as after power-up, and nobody knows how it is; power-cycle "
                "the board, or leave out engine.check"
            )
        if self.link.silent_s > WATCHDOG_S / 2:
            self._rearm()
        counters = self._counters
        answers = self.link.run(np.concatenate([counters.opening, program.commands, counters.closing]))
        self._look_for_watchdog(answers)
        responses, phases, actions = counters.take(answers)
        self._known = counters.of_the_array
        pulses = self._shadow.cells()["pulses"]
        predicted = self._shadow.run(program)
        self._offsets.note(program.commands, responses)
        actions[:, Action.ROW_DRIVE] = predicted.actions[:, Action.ROW_DRIVE]
        self._note_channels(phases, actions, predicted)
        extremes, cycles = predicted.extremes, predicted.response_cycles
        if self._agree(responses, predicted.responses):
            # Each tile's order is the same; that between tiles depends on the link.
            responses = predicted.responses
        else:
            self._correct_shadow(responses, pulses)
            cycles = np.resize(cycles, len(responses)) if len(cycles) else np.zeros(len(responses), np.int64)
            if self.config.array.planes == 1:
                extremes = self._offsets.extremes(responses, self.controller.tiles)
        return ProgramResult(
            responses=responses,
            response_cycles=cycles,
            accepted=predicted.accepted,
            cycles=int(phases[0].sum()),
            phases=phases,
            actions=actions,
            energy=predicted.energy,
            extremes=extremes,
            command_energy=predicted.command_energy,
        )

    def _rearm(self) -> None:
        """Arm tiles again that their watchdogs stopped between two programs: then nothing is lost."""
        tiles = np.arange(self.controller.tiles)
        look = pack(Opcode.READ_REGISTER, tiles, address=BY_NAME["IDENTITY"].address)
        found = unpack(self.link.run(look))
        stopped = found["tile"][(found["watchdog"] != 0) & (self._modes[found["tile"]] != Mode.SAFE)]
        if not len(stopped):
            return
        self.notice(
            f"the host said nothing for more than {WATCHDOG_S:g} s, so that the board has disarmed its tiles; they are "
            "armed again"
        )
        arming = pack(Opcode.ARM, stopped, mode=self._modes[stopped])
        self.link.run(np.concatenate([pack(Opcode.CLEAR, stopped), arming]))
        # From where nothing is driven, the next pulse takes an update of the drive.
        self._shadow.run(Program(arming))

    def _look_for_watchdog(self, answers: np.ndarray) -> None:
        """Note for what tiles are armed, and refuse a program that a watchdog has cut off."""
        found = unpack(answers)
        for tile in range(self.controller.tiles):
            own = found["tile"] == tile
            trips = (found["watchdog"][own] != 0) & (found["status"][own] == Status.FAULTED.value)
            if trips.any() and not found["watchdog"][own][0]:
                raise SilentBoardError(
                    f"the board has disarmed its tiles in the middle of a program, because the host said nothing for "
                    f"more than {WATCHDOG_S:g} s (fault watchdog of tile {tile})"
                )
            self._modes[tile] = found["mode"][own][-1]

    def _note_channels(self, phases: np.ndarray, actions: np.ndarray, predicted: ProgramResult) -> None:
        """Note for how long ADC channels were on, which a board does not count: reads are the only difference.

        What cells need in a write may differ from the shadow's. A read turns one channel on, for SETTLE_READ and for
        its conversions.
        """
        timing = self.config.timing
        verify, convert = actions[:, Action.CONVERT_VERIFY], phases[:, Phase.CONVERT]
        reads = (verify - predicted.actions[:, Action.CONVERT_VERIFY]) // timing.samples
        more = reads * timing.settle_read + convert - predicted.phases[:, Phase.CONVERT]
        actions[:, Action.CHANNEL_WAKE] = predicted.actions[:, Action.CHANNEL_WAKE] + reads
        actions[:, Action.CHANNEL_CYCLE] = predicted.actions[:, Action.CHANNEL_CYCLE] + more

    def _agree(self, found: np.ndarray, predicted: np.ndarray) -> bool:
        """Compare responses with the shadow's, tile by tile."""
        self.responses += len(found)
        mine, theirs = _by_tile(found), _by_tile(predicted)
        if len(mine) == len(theirs):
            wrong = np.flatnonzero((mine != theirs).any(axis=1))
        else:
            wrong = np.arange(min(len(mine), len(theirs)), max(len(mine), len(theirs)))
        self.differing += len(wrong)
        if len(wrong) and self.check and self._in_step:
            if len(mine) != len(theirs):
                raise TwinbarError(
                    f"the board gives {len(mine)} responses where the emulated array gives {len(theirs)}; leave out "
                    "engine.check if the board's array is a real one"
                )
            first = wrong[:1]
            raise TwinbarError(
                f"the board answers {_told(mine[first])}, and the emulated array {_told(theirs[first])}; leave out "
                "engine.check if the board's array is a real one, or else find out with twinbar verify"
            )
        return not len(wrong)

    def _correct_shadow(self, responses: np.ndarray, pulses: np.ndarray) -> None:
        """Bring the shadow's cells to what a real array's responses say of them; ``pulses``: before the program."""
        array = self.config.array
        cells = self._shadow.cells()
        given = pulses_of(responses, array.cells, array.columns, self.controller.tiles)
        put_readings(cells["g"], responses, self.config)
        self._shadow.load_cells(cells | {"pulses": pulses + given})

    # --- the array ----------------------------------------------------------------------------------------------

    def set_tick(self, tick: int) -> None:
        """Let the shadow's cells age; those of a board know of no ticks.

        Raises
        ------
        ConfigError
            If the array is said to be emulated, and its preset ages.
        """
        if self.check and tick and self.config.cells.scalars[0].ages:
            raise ConfigError(
                "the device preset ages from step to step, and an emulated array on a board does not; choose one that "
                "does not age, or leave out engine.check"
            )
        self._shadow.set_tick(tick)

    def cells(self) -> dict[str, np.ndarray]:
        """Give the state of the array as far as it is known (see `ProgramController.cells`).

        In addition ``counted`` is what the board has counted of conversions and pulses.
        """
        return self._shadow.cells() | {COUNTED: self._counters.of_the_array}

    def load_cells(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint: with ``check``, find out from the counters whether the array is still as it was then.

        ``holds_checkpoint`` says what came out. If it is not, or nobody can know, the state of the array is what can be
        known of it: what this controller did last, that after power-up where the array is emulated, or that of the
        checkpoint.
        """
        now = self._shadow.cells()
        saved = {name: state[name] for name in now if name != "driven"}
        same = bool((self._counted_first == state[COUNTED]).all())
        # A real array may have drifted, or be another one: it is looked at in any case.
        self.holds_checkpoint = same and self.check
        if self.holds_checkpoint:
            # What this session has converted already, to calibrate, comes on top; loading twice adds nothing.
            since = now["conversions"] - self._conversions_first
            self._shadow.load_cells(saved | {"conversions": saved["conversions"] + since})
            self._conversions_first = saved["conversions"]
            self._in_step = True
        elif self._sessions == 1 and not self.check:
            self._shadow.load_cells(saved)


def _by_tile(responses: np.ndarray) -> np.ndarray:
    return responses[np.argsort(unpack(responses)["tile"], kind="stable")]


def _told(response: np.ndarray) -> str:
    """Say what a response (uint8 [1, RESPONSE_BYTES]) holds."""
    header = unpack(response)
    opcode = Opcode(int(header["opcode"][0]))
    results = ", ".join(f"{name} {values[0]}" for name, values in unpack_results(opcode, response).items())
    status = Status(int(header["status"][0])).name
    return f"{opcode.name} on tile {header['tile'][0]} with {status}" + (f" ({results})" if results else "")
