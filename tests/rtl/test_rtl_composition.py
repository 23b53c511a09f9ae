import numpy as np
import pytest
from rtl_samples import crossbar

from twinbar.emulator.rtl import beats
from twinbar.emulator.rtl.engine import RtlEngine
from twinbar.emulator.rtl.simulation import Injection
from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.protocol.faults import Reason

OPCODES = [Opcode.READ, Opcode.WRITE, Opcode.WRITE, Opcode.PULSE, Opcode.MULTIPLY, Opcode.LOAD_INPUT, Opcode.STATUS]


def random_beats(rng, n=60):
    """Draw commands, some of which are refused: rows and tiles that do not exist, arguments out of range."""
    return np.concatenate(
        [
            beats.commands(
                OPCODES[rng.integers(len(OPCODES))],
                rng.integers(0, 3, 1),
                row=rng.integers(0, 7),
                column=rng.integers(0, 8),
                argument=rng.integers(0, 9),
            )
            for _ in range(n)
        ]
    )


@pytest.mark.parametrize("stop", [None, 400])
def test_composed_tiles_do_in_every_cycle_what_the_flat_controller_does(stop):
    config = crossbar("milo-hfo2", limit=20)
    rng = np.random.default_rng(3)
    offered, taken = rng.integers(0, 2, 37), rng.integers(0, 4, 41) == 0
    program = random_beats(rng)
    injections = [] if stop is None else [Injection(stop, True), Injection(stop + 5, False)]
    engines = [RtlEngine(config, 2, np.array([8, 8]), composed=composed) for composed in (False, True)]
    left, right = (engine.run(program, 2000, offered=offered, taken=taken, injections=injections) for engine in engines)
    assert left.responses.tolist() == right.responses.tolist()
    assert left.response_cycles.tolist() == right.response_cycles.tolist()
    assert left.cycles == right.cycles
    for name in ("phases", "actions", "energy", "extremes"):
        assert np.array_equal(getattr(left, name), getattr(right, name)), name
    states = [engine.state_dict() for engine in engines]
    for name, value in states[0].items():
        assert np.array_equal(value, states[1][name]), name
    reasons = set(beats.response_field(left.responses, "reason").tolist())
    assert {Reason.NONE, Reason.TILE} <= reasons
    assert (Reason.FAULTED in reasons) == (stop is not None)
