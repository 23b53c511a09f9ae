"""Every operation gives on the compiled controller what it gives on the netlist, cycle by cycle."""

from collections.abc import Callable

import numpy as np
import pytest
from both_engines import CHANNELS, Both, all_counters, beats, read, set_up, statuses, write

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.hw.actions import Action
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.registers import REGISTERS, Access
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

pytestmark = pytest.mark.compiler


def test_all_registers_are_read_and_written(each: Both) -> None:
    stream = [read(register.name) for register in REGISTERS]
    for register in REGISTERS:
        for value in {register.least, register.least - 1, register.most, register.most + 1, 5, 5 | 7 << 28}:
            if 0 <= value < 1 << 36:
                stream += [write(register.name, value), read(register.name)]
    found = statuses(each.run(beats(*stream)))
    assert set(found) == {Status.OK, Status.BAD_REGISTER, Status.BAD_VALUE}


def test_locked_registers_are_written_while_disarmed(each: Both) -> None:
    each.run(set_up(each.config, mode=Mode.READ))
    existing = [register for register in REGISTERS if register.exists(each.controller)]
    locked = [write(register.name, register.init) for register in existing if register.access is Access.LOCKED]
    assert set(statuses(each.run(beats(*locked)))) == {Status.LOCKED}
    assert set(statuses(each.run(beats(pack(Opcode.DISARM), *locked)))) == {Status.OK}


def test_addresses_without_a_register(each: Both) -> None:
    addresses = [0x07, 0x09, 0x46, 0x6F, 0x7F, 0x89, 0x98, 0x9F, 0xFF, 0x200, 0x3FF, 0x440, 0x7FF, 0xBFF, 0xFFF]
    found = statuses(each.run(beats(*(read(address) for address in addresses), *(write(a, 0) for a in addresses))))
    assert Status.BAD_REGISTER in found


def test_tables_are_read_back_as_they_were_written(each: Both) -> None:
    channels, columns = each.controller.adc_channels, each.controller.columns
    top = (1 << each.controller.adc_bits) - 1
    entries = {
        registers.LEVEL_BASE + 3: 7 | 9 << 16,
        registers.LEVEL_BASE + 255: top | top << 16,
        registers.TRIM_BASE + channels - 1: 200,
        registers.OFFSET_BASE + columns - 1: 5,
        registers.OFFSET_BASE: (1 << 17) - 6,
        registers.PAIR_OFFSET_BASE + columns // 2 - 1: (1 << 17) - 1,
    }
    wrong = [(registers.LEVEL_BASE, top + 1), (registers.TRIM_BASE, 256), (registers.OFFSET_BASE, 1 << 15)]
    result = each.run(
        beats(*(write(*entry) for entry in entries.items()), *(write(*entry) for entry in wrong), *map(read, entries))
    )
    assert statuses(result)[len(entries) : len(entries) + len(wrong)] == [Status.BAD_VALUE] * len(wrong)
    answers = unpack_results(Opcode.READ_REGISTER, result.responses[len(entries) + len(wrong) :])["value"]
    # An offset has a bit more than a code, its sign.
    mask = 2 * top + 1
    assert [int(value) & mask for value in answers] == [value & mask for value in entries.values()]


def test_verify_answers_below_inside_or_above(each: Both) -> None:
    each.run(set_up(each.config))
    top = (1 << each.controller.adc_bits) - 1
    levels = {0: (0, top), 1: (top, top), 2: (0, 0), 3: (top, 0)}
    each.run(beats(*(write(registers.LEVEL_BASE + n, low | high << 16) for n, (low, high) in levels.items())))
    each.run(beats(pack(Opcode.WRITE, row=1, column=2, level=4)))
    result = each.run(pack(Opcode.VERIFY, row=1, column=2, level=list(levels)))
    assert statuses(result) == [Status.OK] * len(levels)
    assert unpack_results(Opcode.VERIFY, result.responses)["code"].tolist() == [0, -1, 1, -1]
    assert result.actions[0, Action.CONVERT_VERIFY] == len(levels)


def test_the_first_reason_of_a_refusal_is_given(each: Both) -> None:
    tiles, rows, columns = each.controller.tiles, each.controller.rows, each.controller.columns
    every = [pack(opcode) for opcode in Opcode if opcode is not Opcode.MULTIPLY]
    each.run(beats(*every, 0, 31, pack(Opcode.MULTIPLY, outputs=1)))
    arguments = [
        pack(Opcode.READ, row=rows),
        pack(Opcode.WRITE, column=columns),
        pack(Opcode.WRITE, level=8),
        pack(Opcode.PULSE, count=0, record=Record.SET),
        pack(Opcode.PULSE, count=101, record=Record.SET),
        pack(Opcode.PULSE, row=rows, count=101, record=Record.READ),
        pack(Opcode.DRIVE, record=Record.MULTIPLY),
        pack(Opcode.CALIBRATE, column=columns // 2, subtract=1),
        pack(Opcode.CALIBRATE, subtract=1, gain=1),
        pack(Opcode.MULTIPLY, outputs=0),
        pack(Opcode.MULTIPLY, outputs=columns // 2, subtract=1, column=1),
        pack(Opcode.LOAD, word=each.controller.words),
        pack(Opcode.WAIT),
        pack(Opcode.ARM, mode=Mode.SAFE),
        pack(Opcode.READ, tiles, row=rows),
        pack(Opcode.ABORT, tiles),
    ]
    found = statuses(each.run(beats(set_up(each.config, LEVELS=8), *arguments)))[-len(arguments) :]
    assert set(found) == {Status.BAD_ADDRESS, Status.BAD_LEVEL, Status.BAD_VALUE, Status.BAD_TILE}
    # An operation that opens the gate needs more than reading does.
    modes = statuses(each.run(beats(pack(Opcode.ARM, mode=Mode.READ), pack(Opcode.READ), pack(Opcode.WRITE))))
    assert modes == [Status.OK, Status.OK, Status.DISARMED]


@pytest.mark.parametrize("sampling", [0, 0x21])
def test_closed_loop_writes(each: Both, sampling: int) -> None:
    count = 6
    rng = np.random.default_rng(sampling)
    places = {
        "row": rng.integers(each.controller.rows, size=count),
        "column": rng.integers(each.controller.columns, size=count),
        "level": rng.integers(8, size=count),
    }
    result = each.run(
        beats(
            set_up(each.config, SAMPLING=sampling, LEVELS=8, PULSE_LIMIT=6),
            pack(Opcode.WRITE, **places),
            pack(Opcode.FORM, **places),
            pack(Opcode.READ, row=places["row"], column=places["column"]),
            all_counters(),
        )
    )
    assert {Status.OK, Status.FAILED} <= set(statuses(result))


def test_pulse_trains_drives_and_raw_conversions(each: Both) -> None:
    records = [Record.SET, Record.SET, Record.RESET, Record.FORM, Record.FORM]
    trains = [pack(Opcode.PULSE, row=1, column=2, count=n, record=r) for r in records for n in (1, 4, 9)]
    drives = [pack(Opcode.DRIVE, row=1, column=2, record=record) for record in records]
    own = {Record.SET: {"width": 1}, Record.RESET: {"width": 9, "step": (0, 0, 0)}}
    result = each.run(
        beats(
            set_up(each.config, records=own, RECOVER=1),
            *trains,
            *drives,
            pack(Opcode.CONVERT, row=1, column=2),
            all_counters(),
        )
    )
    assert set(statuses(result)) == {Status.OK}
    assert result.energy[0, CellEnergy.RESET] > 0


def test_calibration(each: Both) -> None:
    columns = np.arange(each.controller.columns)
    result = each.run(
        beats(
            set_up(each.config, SAMPLING=0x20, GAIN_TARGET=each.config.gain_target),
            pack(Opcode.CALIBRATE, column=columns),
            pack(Opcode.CALIBRATE, column=columns[: len(columns) // 2], subtract=1),
            pack(Opcode.CALIBRATE, column=columns[: each.controller.adc_channels], gain=1),
            pack(Opcode.READ, row=0, column=columns),
            read(registers.TRIM_BASE),
            read(registers.OFFSET_BASE + 1),
        )
    )
    assert set(statuses(result)) == {Status.OK}
    trims = unpack_results(Opcode.READ_REGISTER, result.responses[-2:])["value"]
    assert trims[0] != registers.TRIM_INIT


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize("subtract", [0, 1])
def test_multiplications(make: Callable[..., Both], hold: bool, subtract: int) -> None:
    both = make(CHANNELS, sample_and_hold=hold, adc_offset_codes=2.0, mapped_columns=np.array([10, 16, 16]))
    config = both.controller
    rng = np.random.default_rng(3)
    stream = [set_up(both.config, RANGE_MULTIPLY=6 << 11)]
    outputs = config.columns >> subtract
    for bits in (0x13572461, 0x44444444, 0, 0x11111111):
        stream.append(pack(Opcode.LOAD, word=np.arange(config.words), clear=[1, *[0] * (config.words - 1)], bits=bits))
        for how in ({}, {"skip": 1}, {"codes": 1}, {"codes": 1, "skip": 1}):
            first = 4 * int(rng.integers(outputs // 4))
            count = int(rng.integers(1, outputs - first + 1))
            stream.append(pack(Opcode.MULTIPLY, outputs=count, column=first, subtract=subtract, **how))
    # The rows wait for the consumer between groups.
    result = both.run(beats(*stream, all_counters()), ready=[False, False, True])
    assert result.extremes[0, 1] > result.extremes[0, 0]


def test_a_plane_is_remembered_until_all_words_are_cleared(make: Callable[..., Both]) -> None:
    both = make()
    result = both.run(
        beats(
            set_up(both.config),
            pack(Opcode.LOAD, clear=1, bits=4),
            pack(Opcode.LOAD, bits=1),
            pack(Opcode.MULTIPLY, outputs=1, skip=1),
            pack(Opcode.LOAD, clear=1, bits=1),
            pack(Opcode.MULTIPLY, outputs=1, skip=1),
        )
    )
    assert result.actions[0, Action.INPUT_STEP] == 3


@pytest.mark.parametrize("preset", ["ideal", "neurram", "ibm-pcm"])
def test_cells_of_other_kinds(make: Callable[..., Both], preset: str) -> None:
    both = make(preset=preset)
    cells = np.arange(16)
    writes = pack(Opcode.WRITE, row=cells // 4, column=cells % 4, level=cells % 8)
    reads = pack(Opcode.READ, row=cells // 4, column=cells % 4)
    both.run(beats(set_up(both.config, PULSE_LIMIT=3), writes))
    for tick in (1, 1000):
        both.set_tick(tick)
        both.run(beats(reads, writes[tick % 5 :: 5]))


@pytest.mark.parametrize("hold", [True, False])
def test_the_rows_of_conversions_of_one_cycle_are_let_go_in_time(make: Callable[..., Both], hold: bool) -> None:
    both = make(sample_and_hold=hold)
    both.run(set_up(both.config, mode=Mode.READ, CONVERT=1))
    for outputs in (1, 2, both.controller.columns):
        load = pack(Opcode.LOAD, 0, word=0, clear=1, bits=0b001_011_101)
        found = both.run(beats(load, pack(Opcode.MULTIPLY, 0, outputs=outputs)))
        assert found.energy[0, CellEnergy.FORWARD] > 0
