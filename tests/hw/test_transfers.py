"""Transfers: they wait for room in the queue of their starts, and a reset forgets what was complete and what lacked."""

from typing import Any

from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from twinbar.hw.gateware.control.transfer_member import TransferMember
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.streams.dispatcher import Dispatcher
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode, Status

TILES = 4
TRANSFER = int(pack(Opcode.TRANSFER, 0, group=1, words=1)[0])


def _simulate(hardware: Any, testbench: Any) -> None:
    simulator = Simulator(hardware)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def test_a_transfer_waits_for_room_in_the_queue_of_transfers() -> None:
    # Tiles 2 and 3 may have filled it, while there is room in the queues of tiles 0 and 1.
    dispatcher = Dispatcher(ControllerConfig(tiles=TILES, shared_inputs=True, chain=True))

    async def run(context: Any) -> None:
        for tile in range(TILES):
            context.set(dispatcher.groups[tile], tile)
            context.set(dispatcher.o[tile].ready, 1)
        context.set(dispatcher.i.payload, dispatcher.i.payload.shape().from_bits(TRANSFER))
        context.set(dispatcher.i.valid, 1)
        for room in (0, 0, 1):
            context.set(dispatcher.transfers.ready, room)
            offered = [context.get(dispatcher.o[tile].valid) for tile in range(TILES)]
            assert (context.get(dispatcher.i.ready), offered) == (room, [room, room, 0, 0])
            assert context.get(dispatcher.transfers.valid) == room
            await context.tick()

    _simulate(dispatcher, run)


def test_a_reset_forgets_what_was_complete_and_what_lacked() -> None:
    member, reset = TransferMember(), Signal()

    async def run(context: Any) -> None:
        head = member.head.shape().from_bits(TRANSFER)
        context.set(member.head, head)
        context.set(member.head.reserved, 0b101)  # another tile sends, this one takes
        context.set(member.admission, Status.BAD_ADDRESS)
        context.set(member.popped, 1)
        context.set(member.kept, 1)
        await context.tick()
        context.set(member.popped, 0)
        context.set(member.kept, 0)
        assert (context.get(member.complete), context.get(member.unfilled)) == (1, 1)
        context.set(reset, 1)
        await context.tick()
        assert (context.get(member.complete), context.get(member.unfilled)) == (0, 0)

    _simulate(ResetInserter(reset)(member), run)
