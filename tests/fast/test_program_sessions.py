"""What the compiled controller keeps between programs, and what it asks of its configuration."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from both_engines import SMALL, Both, beats, crossbar, set_up

from twinbar.emulator.contract.program import Program, ProgramController
from twinbar.emulator.engines.events import EventsController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode


@pytest.mark.compiler
def test_cells_are_saved_and_restored(make: Callable[..., Both]) -> None:
    both = make(preset="ibm-pcm")
    both.run(beats(set_up(both.config, PULSE_LIMIT=4), pack(Opcode.WRITE, column=[0, 1, 2, 3], level=[7, 0, 5, 2])))
    saved = both.fast.cells()
    reads = Program(pack(Opcode.READ, column=[0, 1, 2, 3]))
    first = both.fast.run(reads).responses.tolist()
    other = FastController(both.config, SMALL)
    other.run(Program(set_up(both.config, PULSE_LIMIT=4)))
    other.load_cells(saved)
    assert other.run(reads).responses.tolist() == first
    both.fast.load_cells(saved)
    assert both.fast.run(reads).responses.tolist() == first


def test_a_crossbar_and_its_controller_must_fit(compiled_controller: None) -> None:
    config = crossbar(SMALL)
    with pytest.raises(ConfigError, match=r"columns = 8 and its controller 16; make them equal"):
        FastController(config, replace(SMALL, columns=16))
    with pytest.raises(ConfigError, match="fault map"):
        FastController(config, SMALL, faults=np.zeros((1, 3), np.uint8))
    with pytest.raises(ConfigError, match="tick -1"):
        FastController(config, SMALL).set_tick(-1)


def test_long_programs_take_no_longer_for_waiting(compiled_controller: None) -> None:
    # Only cycles in which something happens are visited: these would take minutes one by one.
    controller = FastController(crossbar(SMALL), SMALL)
    result = controller.run(Program(pack(Opcode.WAIT, cycles=np.full(1000, (1 << 28) - 1))))
    assert result.cycles > 1000 * ((1 << 28) - 1)
    assert result.phases.sum() == result.cycles


@pytest.mark.parametrize("engine", [FastController, EventsController])
def test_counters_wrap_at_36_bits(compiled_controller: None, engine: type[ProgramController]) -> None:
    controller = engine(crossbar(SMALL), SMALL)
    controller.run(Program(pack(Opcode.WAIT, cycles=np.full(257, (1 << 28) - 1))))
    answers = controller.run(Program(pack(Opcode.READ_REGISTER, address=[0x83, 0x81, 0x88, 0x9B])))
    values = unpack_results(Opcode.READ_REGISTER, answers.responses)["value"].tolist()
    # 257 * (2**28 - 1) = 2**36 + 2**28 - 257 cycles of settle. Of decide, 1 per WAIT, 5 of the first read, and the 5 of
    # the second one do not count yet; of respond, 1 per WAIT and per read before the third; 4 reads were popped.
    assert values == [2**28 - 257, 257 + 5, 257 + 2, 257 + 4]
