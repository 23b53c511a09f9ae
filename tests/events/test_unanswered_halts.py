"""As many ABORTs as can wait for their answer at once: what stands in front of them is refused all the same."""

from events_bench import Trio, command, crossbar, set_up

from twinbar.hw.protocol.packing import unpack
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

DEPTH = 4


def test_what_waits_in_front_of_a_queue_full_of_aborts_is_refused() -> None:
    trio = Trio(*crossbar(depth=DEPTH))
    assert not unpack(trio.run(set_up(mode=Mode.READ)).responses)["status"].any()
    # Nobody takes responses in the first 99 cycles: four fill the queue, the fifth waits at the tile. Behind it the
    # queue holds the READ and three ABORTs, and a fourth is presented.
    registers = [command(Opcode.READ_REGISTER, address=0) for _ in range(DEPTH + 1)]
    beats = [*registers, command(Opcode.READ, row=1, column=2), *[command(Opcode.ABORT)] * DEPTH]
    result = trio.run(beats, ready=[False] * 99 + [True])
    header = unpack(result.responses)
    statuses = [
        (Opcode(opcode), Status(status)) for opcode, status in zip(header["opcode"], header["status"], strict=True)
    ]
    assert statuses == [
        *[(Opcode.READ_REGISTER, Status.OK)] * (DEPTH + 1),
        (Opcode.READ, Status.ABORTED),
        *[(Opcode.ABORT, Status.OK)] * DEPTH,
    ]
