import numpy as np
from amaranth.sim import Simulator

from twinbar.hw.gateware.collector import Collector
from twinbar.hw.gateware.counters import CounterBank
from twinbar.hw.gateware.queue import Queue


def simulate(dut, *benches, background=()):
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


def test_a_queue_gives_every_beat_once_and_in_order_under_any_back_pressure():
    for depth, seed in ((1, 0), (3, 1), (4, 2)):
        dut = Queue(16, depth)
        rng = np.random.default_rng(seed)
        gaps, waits = rng.integers(0, 3, 60).tolist(), rng.integers(0, 4, 60).tolist()
        out = []

        async def send(ctx, dut=dut, gaps=gaps):
            for number, gap in enumerate(gaps):
                if gap:
                    await ctx.tick().repeat(gap)
                ctx.set(dut.i.payload, number)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                ctx.set(dut.i.valid, 0)

        async def receive(ctx, dut=dut, waits=waits, out=out):
            for wait in waits:
                if wait:
                    await ctx.tick().repeat(wait)
                ctx.set(dut.o.ready, 1)
                out.append((await ctx.tick().sample(dut.o.payload).until(dut.o.valid))[0])
                ctx.set(dut.o.ready, 0)

        simulate(dut, send, receive)
        assert out == list(range(60))


def test_a_queue_without_gaps_passes_a_beat_every_cycle():
    dut = Queue(8, 4)
    arrivals = []

    async def send(ctx):
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.o.ready, 1)
        for cycle in range(20):
            ctx.set(dut.i.payload, cycle)
            _, _, ready, valid, payload = await ctx.tick().sample(dut.i.ready, dut.o.valid, dut.o.payload)
            assert ready
            if valid:
                arrivals.append((cycle, payload))

    simulate(dut, send)
    assert arrivals == [(cycle, cycle - 2) for cycle in range(2, 20)]


def test_responses_are_taken_round_robin_from_the_lowest_and_stay_until_taken():
    dut = Collector(3)
    served = []

    async def drive(ctx):
        for number, source in enumerate(dut.i):
            ctx.set(source.payload.tile, number)
        ctx.set(dut.i[2].valid, 1)
        await ctx.tick().repeat(2)
        # Tile 2 was offered and not taken: the lower ones that come now do not push it aside.
        ctx.set(dut.i[0].valid, 1)
        ctx.set(dut.i[1].valid, 1)
        for cycle in range(9):
            ctx.set(dut.o.ready, cycle % 2)
            _, _, ready, tile = await ctx.tick().sample(dut.o.ready, dut.o.payload.tile)
            served.append((ready, tile))

    simulate(dut, drive)
    assert [tile for ready, tile in served if ready] == [2, 0, 1, 2]
    assert [tile for ready, tile in served if not ready][:4] == [2, 0, 1, 2]


def test_counters_count_any_sequence_of_additions():
    dut = CounterBank(5, 3)
    rng = np.random.default_rng(5)
    steps = [(int(a), int(i), int(n)) for a, i, n in rng.integers(0, (2, 5, 8), (200, 3))]
    expected = np.zeros(5, int)
    for add, index, amount in steps:
        expected[index] += add * amount
    got = []

    async def count(ctx):
        for add, index, amount in [*steps, *((1, i, 0) for i in range(5)), (0, 0, 0)]:
            ctx.set(dut.add, add)
            ctx.set(dut.index, index)
            ctx.set(dut.amount, amount)
            got.append(ctx.get(dut.value))
            await ctx.tick()

    simulate(dut, count)
    assert got[-5:] == expected.tolist()
