"""Transfers: when they start, which words they move in which cycles, and what a reset forgets."""

from typing import Any

from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from twinbar.hw.gateware.control.transfer_member import TransferMember
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.streams.dispatcher import Dispatcher
from twinbar.hw.gateware.streams.transfer_start import TransferStart
from twinbar.hw.gateware.tile_states import TileState
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import TRANSFER_LATENCY

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
        for shown in (member.head, member.command):  # what is taken is what runs in the next cycle
            context.set(shown, head)
            context.set(shown.reserved, 0b101)  # another tile sends, this one takes
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


def _moves(words: int, *, first: int, word: int, clear: int, takes: bool) -> list[dict[str, int]]:
    """Run a transfer on one tile; gives what it does in each cycle of it."""
    member, found = TransferMember(), []
    beat = int(pack(Opcode.TRANSFER, 0, group=1, words=words, first=first, word=word, clear=clear)[0])

    async def run(context: Any) -> None:
        for name in ("head", "command"):
            context.set(getattr(member, name), member.head.shape().from_bits(beat))
        if takes:  # the last tile that has a part in it
            context.set(member.command.reserved, 0b101)
        context.set(member.popped, 1)
        await context.tick()
        context.set(member.popped, 0)
        context.set(member.state, TileState.TRANSFER)
        context.set(member.stored, 0xC0DE)
        while True:
            write = member.write
            shown = {"moved": member.moved, "index": member.index, "outgoing": member.outgoing, "load": write.load}
            shown |= {"word": write.word, "clear": write.clear}
            found.append({name: int(context.get(signal)) for name, signal in shown.items()})
            if context.get(member.last):
                break
            await context.tick()

    _simulate(member, run)
    return found


def test_a_transfer_moves_each_of_its_words_once_and_clears_with_the_first() -> None:
    found = [cycle for cycle in _moves(3, first=4, word=1, clear=1, takes=True) if cycle["moved"]]
    # While a word is moved the next one is asked for.
    assert [cycle["index"] for cycle in found] == [5, 6, 7]
    assert [(cycle["load"], cycle["word"], cycle["clear"]) for cycle in found] == [(1, 1, 1), (1, 2, 0), (1, 3, 0)]


def test_a_transfer_takes_its_latency_and_a_cycle_for_each_word() -> None:
    assert [len(_moves(words, first=0, word=0, clear=0, takes=False)) for words in (1, 2, 5)] == [
        TRANSFER_LATENCY + words for words in (1, 2, 5)
    ]


def test_a_transfer_waits_for_all_of_its_tiles_and_for_the_one_before() -> None:
    start = TransferStart(ControllerConfig(tiles=TILES, shared_inputs=True, chain=True))

    async def run(context: Any) -> None:
        context.set(start.i.payload, 0b0110)
        context.set(start.i.valid, 1)
        await context.tick()
        context.set(start.i.valid, 0)
        await context.tick().repeat(2)
        # (tiles that offer, tiles that refuse, tiles at work) -> (tiles that start, whether it is refused)
        for offers, refuses, busy, expected in (
            (0b0010, 0, 0, (0, 0)),
            (0b0110, 0, 0b1000, (0, 0)),
            (0b1111, 0b1001, 0b0001, (0, 0)),
            (0b0110, 0b1001, 0, (0b0110, 0)),
            (0b0110, 0b0100, 0, (0b0110, 1)),
        ):
            for tile, signature in enumerate(start.tiles):
                for name, mask in (("offers", offers), ("refuses", refuses), ("busy", busy)):
                    context.set(getattr(signature, name), mask >> tile & 1)
            started = sum(int(context.get(each.permits & each.offers)) << tile for tile, each in enumerate(start.tiles))
            assert (started, context.get(start.tiles[1].refused)) == expected

    _simulate(start, run)


def test_a_tile_alone_starts_the_transfer_at_the_front_of_its_queue() -> None:
    start = TransferStart(ControllerConfig(tiles=1, shared_inputs=True, chain=True))
    (tile,) = start.tiles

    async def run(context: Any) -> None:
        for valid, refuses in ((0, 0), (1, 0), (1, 1)):
            context.set(start.i.valid, valid)
            context.set(tile.refuses, refuses)
            await context.delay(1e-9)
            assert (context.get(start.i.ready), context.get(tile.permits), context.get(tile.refused)) == (1, 1, refuses)

    simulator = Simulator(start)
    simulator.add_testbench(run)
    simulator.run()
