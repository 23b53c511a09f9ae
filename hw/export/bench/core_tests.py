"""Tests of the core with a direct front end, bare or in a wrapper: begin with these, and add your own."""

import cocotb
import twinbar_protocol
from cocotb.triggers import ClockCycles
from twinbar_bench.cell_grid import CellGrid
from twinbar_bench.core_hosts import host_of, read_register, write_register
from twinbar_bench.core_rules import rules_of
from twinbar_bench.cycle_sampler import CycleSampler
from twinbar_protocol import CONTROLLER, LEVEL_WINDOWS, RECORDS, REGISTERS, pack, sums_of, unpack

WIDTH = 5
DRIVE = 0x123_456_789
"""Codes of word line, source line and bit line."""
TOP = 0xFFF_FFF_FFF
WINDOW = (60, 80)


async def started(dut):
    """Return a host after reset, and the arrays of all tiles; every cycle is held to the rules of the contract."""
    host = host_of(dut, twinbar_protocol)
    await host.start()
    sampler = CycleSampler(dut, host.clock_name)
    sampler.watch(rules_of(dut, twinbar_protocol))
    cocotb.start_soon(sampler.run())
    grids = [CellGrid(dut, host.clock, twinbar_protocol, tile) for tile in range(CONTROLLER["tiles"])]
    for grid in grids:
        cocotb.start_soon(grid.run())
    return host, grids


async def run(host, *beats):
    """Send commands, and return their responses; none may wait for more than one."""
    found = []
    for beat in beats:
        await host.send(beat)
        found.append(unpack(await host.receive()))
    return found


async def armed(dut):
    """Return host and arrays, ready to write every tile."""
    host, grids = await started(dut)
    drive = DRIVE & _most()
    for tile in range(CONTROLLER["tiles"]):
        settings = {LEVEL_WINDOWS: WINDOW[0] | WINDOW[1] << 16, REGISTERS["CONVERT"]: 3}
        for record in ("SET", "RESET"):
            settings |= {REGISTERS[f"{record}_HIGH"]: _most(), REGISTERS[f"{record}_WIDTH"]: WIDTH}
            settings |= {REGISTERS[f"{record}_{field}"]: drive for field in ("CODES", "STOP")}
        writes = [pack("WRITE_REGISTER", tile, address=address, value=value) for address, value in settings.items()]
        responses = await run(host, *writes, pack("ARM", tile, mode=2))
        assert {each["status"] for each in responses} == {"OK"}, responses
    return host, grids


def _most():
    """Return the greatest code on all three lines."""
    most = (1 << CONTROLLER["dac_bits"]) - 1
    return most | most << 12 | most << 24


@cocotb.test()
async def every_tile_says_what_it_is(dut):
    """The constants of the registers."""
    host, _ = await started(dut)
    for tile in range(CONTROLLER["tiles"]):
        letters, geometry = await run(
            host, *(pack("READ_REGISTER", tile, address=REGISTERS[name]) for name in ("IDENTITY", "GEOMETRY"))
        )
        assert letters["value"].to_bytes(4, "big") == b"TWBR"
        wanted = CONTROLLER["rows"] | CONTROLLER["columns"] << 11 | CONTROLLER["tiles"] << 22
        assert (geometry["tile"], geometry["status"], geometry["value"]) == (tile, "OK", wanted)
        if hasattr(host, "read_word"):
            assert await read_register(host, tile, REGISTERS["GEOMETRY"]) == wanted
            await write_register(host, tile, REGISTERS["SET_HIGH"], TOP & _most())
            assert await read_register(host, tile, REGISTERS["SET_HIGH"]) == TOP & _most()


@cocotb.test()
async def cells_are_written_until_they_are_in_their_window(dut):
    """Pulses up and down, with the drive and the width of the registers."""
    host, grids = await armed(dut)
    row, column = CONTROLLER["rows"] - 1, CONTROLLER["columns"] - 1
    for tile, grid in enumerate(grids):
        start = grid.cell(row, column)
        grid.cells[0, 0] = 120
        up, down = await run(
            host, pack("WRITE", tile, row=row, column=column, level=0), pack("WRITE", tile, row=0, column=0, level=0)
        )
        assert (up["status"], down["status"]) == ("OK", "OK")
        assert WINDOW[0] <= grid.cell(row, column) == up["code"] <= WINDOW[1]
        assert up["sets"] == -(-(WINDOW[0] - start) // 7)
        assert (down["resets"], down["code"]) == (6, 120 - 6 * 7)
        kinds = [RECORDS["SET"]] * up["sets"] + [RECORDS["RESET"]] * down["resets"]
        assert grid.pulses == [(kind, WIDTH, DRIVE & _most()) for kind in kinds]


@cocotb.test()
async def columns_are_multiplied(dut):
    """The sum of what the converter says of each bit plane."""
    host, grids = await armed(dut)
    channels = CONTROLLER["adc_channels"]
    for tile, grid in enumerate(grids):
        # A word of inputs is answered only if it is refused.
        await host.send(pack("LOAD", tile, word=0, clear=1, bits=input_word()))
        await host.send(pack("MULTIPLY", tile, outputs=channels, column=0))
        assert await products(host, channels) == [product(grid, column) for column in range(channels)]


def input_word():
    """Return a word of row registers in which neighbouring rows have different inputs."""
    inputs = [row % (1 << CONTROLLER["input_bits"]) for row in range(min(CONTROLLER["rows"], 4))]
    field = 1 << (CONTROLLER["input_bits"] - 1).bit_length()
    return sum(value << place * field for place, value in enumerate(inputs))


def product(grid, column):
    """Return the sum that a column of an array comes to with the inputs that were loaded."""
    return sum(grid.column_code(column, plane) << plane for plane in range(CONTROLLER["input_bits"]))


async def products(host, outputs):
    """Return the sums of so many outputs from column 0 on."""
    found = []
    while len(found) < outputs:
        response = unpack(await host.receive())
        assert (response["status"], response["column"]) == ("OK", len(found))
        found += sums_of(response)
    assert not any(found[outputs:])  # lanes that the last beat has left
    return found[:outputs]


@cocotb.test()
async def stop_closes_the_gate(dut):
    """A pulse is cut short, and the tile is disarmed until the fault is cleared."""
    host, grids = await armed(dut)
    await run(host, pack("DISARM", 0), pack("WRITE_REGISTER", 0, address=REGISTERS["SET_WIDTH"], value=5000))
    await run(host, pack("ARM", 0, mode=2))
    await host.send(pack("PULSE", 0, row=0, column=1, count=1, record=RECORDS["SET"]))
    while not int(dut.tiles__0__write_gate.value):
        await ClockCycles(host.clock, 1)
    dut.stop.value = 1
    await ClockCycles(host.clock, 5)
    assert int(dut.tiles__0__write_gate.value) == 0
    dut.stop.value = 0
    (cut,) = [unpack(await host.receive())]
    assert (cut["status"], cut["mode"]) == ("FAULTED", 0)
    assert grids[0].pulses[-1][1] <= 5
    refused, cleared = await run(host, pack("READ", 0, row=0, column=0), pack("CLEAR", 0))
    assert (refused["status"], cleared["status"]) == ("FAULTED", "OK")
