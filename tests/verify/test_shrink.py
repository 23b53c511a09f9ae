"""Sessions are made smaller as long as they show what they must."""

import numpy as np

from twinbar.emulator.contract.program import Pin, PinPulse
from twinbar.emulator.verify.beat_fields import beat, fields_of, opcode_of
from twinbar.emulator.verify.session import Session, SessionStep
from twinbar.emulator.verify.shrink import Shrinker
from twinbar.hw.protocol.vocabulary import Opcode


def noise(many: int) -> tuple[int, ...]:
    return tuple(beat(Opcode.READ, 0, row=index % 7, column=3, level=9) for index in range(many))


def test_what_matters_is_left() -> None:
    """A DRIVE of row 5 or more, and later a WAIT of 3 or more that arrives 20 cycles after it."""

    def differs(session: Session) -> int | None:
        for index, step in enumerate(session.steps):
            arrivals = step.program().arrivals
            assert arrivals is not None
            seen = None
            for arrival, command in zip(arrivals.tolist(), step.commands, strict=True):
                if opcode_of(command) is Opcode.DRIVE and fields_of(command)["row"] >= 5:
                    seen = arrival
                waits = opcode_of(command) is Opcode.WAIT and fields_of(command)["cycles"] >= 3
                if waits and seen is not None and arrival >= seen + 20 and step.pins:
                    return index
        return None

    drive = beat(Opcode.DRIVE, 1, row=700, column=8, count=4, record=2)
    commands = (*noise(9), drive, *noise(12), beat(Opcode.WAIT, 1, cycles=1000), *noise(5))
    step = SessionStep(
        commands,
        tuple(10 * index for index in range(len(commands))),
        (True, False, False, True),
        (PinPulse(Pin.STOP, 4, 90), PinPulse(Pin.FAULT, 1, 2, 1)),
        tick=8,
        reload=True,
    )
    session = Session(
        "pair", (SessionStep(noise(20)), step, SessionStep(noise(4))), mapped_columns=(1, 2), faults=((0,), (1,))
    )
    small = Shrinker(session, differs).run()
    assert len(small.steps) == 1
    assert small.steps[0].commands == (beat(Opcode.DRIVE, row=5), beat(Opcode.WAIT, cycles=3))
    assert np.array_equal(small.steps[0].program().arrivals, [0, 20])  # type: ignore[arg-type]
    assert small.steps[0].ready == (True,)
    assert len(small.steps[0].pins) == 1
    assert small.steps[0].pins[0].first == small.steps[0].pins[0].last
    assert (small.steps[0].tick, small.steps[0].reload) == (None, False)
    assert (small.mapped_columns, small.faults) == (None, None)


def test_it_ends_after_so_many_tries() -> None:
    session = Session("plain", (SessionStep(noise(200)),))
    tried: list[Session] = []

    def differs(candidate: Session) -> int | None:
        tried.append(candidate)
        return 0 if candidate.commands > 20 else None

    for tries in (0, 1, 7, 60):
        tried.clear()
        shrinker = Shrinker(session, differs, tries)
        found = shrinker.run()
        assert len(tried) == shrinker.tried == tries
        assert found == Shrinker(session, differs, tries).run()
    assert found.commands < session.commands
