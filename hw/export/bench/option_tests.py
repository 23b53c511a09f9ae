"""Tests of what a core has by options of its elaboration; those of options that it does not have are not there."""

import cocotb
from core_tests import DRIVE, armed, input_word, product, products, run
from twinbar_protocol import CONTROLLER, LEVEL_WINDOWS, REGISTERS, SCALES, SET_PULSES, pack, unpack

if CONTROLLER["pulse_entries"]:

    @cocotb.test()
    async def pulses_follow_the_table(dut):
        """Two pulses with the codes of the first entry, one with those of the second, and so on."""
        host, grids = await armed(dut)
        first, second = DRIVE & 0x003_003_003, DRIVE & 0x001_001_001
        table = {SET_PULSES: first, SET_PULSES + 1: 2, SET_PULSES + 2: second, SET_PULSES + 3: 1}
        # By the table, and the offset rises by 1 from group to group; the distance does not count.
        settings = {LEVEL_WINDOWS: 200 | 220 << 16, REGISTERS["WRITE_TABLE"]: 1 | 15 << 3 | 1 << 7 | 255 << 19}
        settings |= {REGISTERS["PULSE_LIMIT"]: 3, REGISTERS["SET_LOW"]: 0, REGISTERS["RESET_LOW"]: 0, **table}
        writes = [pack("WRITE_REGISTER", 0, address=address, value=value) for address, value in settings.items()]
        done = await run(host, pack("DISARM", 0), *writes, pack("ARM", 0, mode=2))
        assert {each["status"] for each in done} == {"OK"}, done
        (written,) = await run(host, pack("WRITE", 0, row=0, column=0, level=0))
        assert (written["status"], written["sets"]) == ("FAILED", 3)
        assert [codes for _, _, codes in grids[0].pulses] == [first, first, second]


if CONTROLLER["compare"]:

    @cocotb.test()
    async def a_cell_is_compared(dut):
        """VERIFY gives the side of the window on which a cell lies, without a conversion."""
        host, grids = await armed(dut)
        settings = {REGISTERS["WRITE_TABLE"]: 1 << 1 | 255 << 19}
        writes = [pack("WRITE_REGISTER", 0, address=address, value=value) for address, value in settings.items()]
        await run(host, pack("DISARM", 0), *writes, pack("ARM", 0, mode=2))
        for code, side in ((59, -1), (60, 0), (80, 0), (81, 1)):  # about the window of `armed`
            grids[0].cells[1, 0] = code
            (found,) = await run(host, pack("VERIFY", 0, row=1, column=0, level=0))
            assert (found["status"], found["code"]) == ("OK", side), code


if CONTROLLER["shared_inputs"]:

    @cocotb.test()
    async def a_group_is_loaded_at_once(dut):
        """One LOAD for all tiles, which are in group 0 after power-up."""
        host, grids = await armed(dut)
        await host.send(pack("LOAD", 0, word=0, clear=1, shared=1, bits=input_word()))
        for tile, grid in enumerate(grids):
            await host.send(pack("MULTIPLY", tile, outputs=1, column=0))
            assert await products(host, 1) == [product(grid, 0)]
            assert grid.inputs


if CONTROLLER["cascade"] and CONTROLLER["tiles"] > 1:

    @cocotb.test()
    async def partial_sums_are_added(dut):
        """The first of two tiles answers with the sums of both."""
        host, grids = await armed(dut)
        for tile in range(2):
            await host.send(pack("LOAD", tile, word=0, clear=1, bits=input_word()))
        outputs = CONTROLLER["columns"]
        await host.send(pack("MULTIPLY", 0, outputs=outputs, column=0, members=2))
        found = await products(host, outputs)
        assert found == [product(grids[0], column) + product(grids[1], column) for column in range(outputs)]


if CONTROLLER["chain"]:

    @cocotb.test()
    async def sums_become_inputs(dut):
        """Activations of the last tile go to the row registers of group 0, and nothing is answered."""
        host, grids = await armed(dut)
        last = CONTROLLER["tiles"] - 1
        outputs = CONTROLLER["columns"]
        # Each scale, above its bias of 18 bits, is 1; sums are kept and not answered.
        settings = {SCALES + column: 1 << 18 for column in range(outputs)} | {REGISTERS["ACTIVATION"]: 2}
        writes = [pack("WRITE_REGISTER", last, address=address, value=value) for address, value in settings.items()]
        done = await run(host, *writes)
        assert {each["status"] for each in done} == {"OK"}, done
        await host.send(pack("LOAD", last, word=0, clear=1, bits=input_word()))
        await host.send(pack("MULTIPLY", last, outputs=outputs, column=0))
        assert unpack(await host.receive())["status"] == "OK"  # one beat, of the last output
        wanted = [min(product(grids[last], column), (1 << CONTROLLER["input_bits"]) - 1) for column in range(outputs)]
        await host.send(pack("TRANSFER", last, group=0, word=0, words=1, clear=1))
        (known,) = await run(host, pack("READ_REGISTER", last, address=REGISTERS["IDENTITY"]))
        assert known["status"] == "OK"
        rows = min(CONTROLLER["rows"], len(wanted))
        assert [grids[0].inputs[row] for row in range(rows)] == wanted[:rows]
