"""Deliberate faults of the source, each with the narrow test or the proof that is to catch it."""

from dataclasses import dataclass

from twinbar.hw.formal.proof_catalogue import PROOFS


@dataclass(frozen=True)
class SourceFault:
    """A text that a file has once, what stands there instead, and what catches it: a test file, or ``prove NAME``."""

    file: str
    old: str
    new: str
    caught_by: str


_PHYSICS, _GOLDEN = "emulator/devices/physics.py", "tests/devices/test_golden_vectors.py"
_HEAT = "tests/devices/test_access_transistor.py"
_CODEC, _LINK, _GATEWARE = "tests/link/test_codec.py", "tests/link/test_link.py", "tests/link/test_gateware.py"
_MODEL, _SESSION = "hw/link/board_model.py", "hw/gateware/link/link_session.py"
_AVERAGER, _OPERATIONS = "hw/gateware/readout/averager.py", "tests/hw/test_operations.py"
_BOUNDS = "tests/devices/test_state_bounds.py"
_CUT_DRIVES = "tests/events/test_cut_drives.py"
_AVERAGED = "tests/hw/test_averaged_codes.py"
_TIMING, _CYCLES, _PARTS = "hw/timing.py", "tests/hw/test_cycle_models.py", "tests/parts/test_front_end_cycles.py"
_SPI, _BUS = "hw/gateware/front_end/spi_transceiver.py", "tests/parts/test_spi_transceiver.py"

OF_SOURCES = (
    SourceFault(_PHYSICS, "return x ^ (x >> _S31)", "return x ^ (x >> _S30)", _GOLDEN),
    SourceFault(_PHYSICS, "x = (x ^ (x >> _S27)) * _MIX2", "x = (x ^ (x >> _S27)) * _MIX1", _GOLDEN),
    SourceFault(_PHYSICS, "(np.uint64(purpose) << np.uint64(48))", "(np.uint64(purpose) << np.uint64(47))", _GOLDEN),
    SourceFault(_PHYSICS, "mean = (mean * gain) >> 12", "mean = (mean * gain) >> 11", _GOLDEN),
    SourceFault(_PHYSICS, "change = ((mean + spread) *", "change = ((mean - spread) *", _GOLDEN),
    SourceFault(_PHYSICS, "after = min(max(after, low), high)", "after = max(after, low)", _BOUNDS),
    SourceFault(_PHYSICS, "mean = (before + after) >> 13", "mean = (before + after) >> 12", _HEAT),
    SourceFault(_PHYSICS, "+ mean * scalars[0].access)", ")", _HEAT),
    SourceFault(_PHYSICS, "grid = (seen + (np.int64(1) << (shift - 1))) >> shift", "grid = seen >> shift", _GOLDEN),
    SourceFault(_PHYSICS, "return min(grid, scalars[0].grid_limit)", "return grid", "tests/devices/test_reading.py"),
    SourceFault(_PHYSICS, "    seen = max(seen, 0)\n    if scalars", "    if scalars", _BOUNDS),
    SourceFault("hw/link/cobs.py", "len(block) != code - 1", "len(block) > code - 1", _CODEC),
    SourceFault("hw/link/cobs.py", "if code <= BLOCK and position < len(stuffed):", "if code <= BLOCK:", _CODEC),
    SourceFault(
        "hw/link/crc.py", 'crc32(data).to_bytes(CRC_BYTES, "little")', 'crc32(data).to_bytes(4, "big")', _CODEC
    ),
    SourceFault(_MODEL, "self._session or not self._commanded:", "self._session or self._commanded:", _LINK),
    SourceFault(_MODEL, "elif ahead < SEQUENCE // 2:", "elif ahead > SEQUENCE // 2:", _LINK),
    SourceFault(_MODEL, "self._awaited = (self._awaited + 1) % SEQUENCE", "self._awaited = self._awaited + 1", _LINK),
    SourceFault(_MODEL, "        if frame.resend:", "        if not frame.resend:", _LINK),
    SourceFault(_SESSION, "with m.If(known <= sent):", "with m.If(1):", _GATEWARE),
    SourceFault(_SESSION, " & frame.kind.any()),", "),", _GATEWARE),
    SourceFault(
        _SESSION, "self.reset.eq(~commanded | (frame.session != session.session))", "self.reset.eq(1)", _GATEWARE
    ),
    SourceFault("hw/gateware/link/unpacker.py", "step.eq(-widths.rows)", "step.eq(1 - widths.rows)", _GATEWARE),
    SourceFault("hw/parts/bus.py", "return count * (self.first + self.second)", "return count * self.first", _BUS),
    SourceFault("hw/parts/bus.py", "self.bits(count) + self.hold + self.high", "self.bits(count) + self.high", _BUS),
    SourceFault(_SPI, "pins.select_n.eq(~(1 << word.chip))", "pins.select_n.eq(~1)", _BUS),
    SourceFault(_SPI, "m.d.sync += bits_left.eq(bits_left - 1)", "m.d.sync += bits_left.eq(0)", _BUS),
    SourceFault(
        _TIMING,
        "if cycles - whole <= 1e-9 * max(cycles, 1.0) else whole + 1)",
        "if 1 else 0)",
        "tests/hw/test_built_in.py",
    ),
    SourceFault(_TIMING, "convert = reads * t.samples * t.convert", "convert = reads * t.convert", _CYCLES),
    SourceFault(_TIMING, "phases[Phase.CONVERT] += conversions * t.convert", "phases[Phase.CONVERT] += 1", _CYCLES),
    SourceFault(_AVERAGER, "self.average >= 1 << self._bits", "self.average > 1 << self._bits", _AVERAGED),
    SourceFault(_AVERAGER, "final.eq(discard + kept),", "final.eq(kept),", _OPERATIONS),
    SourceFault(_AVERAGER, "with m.If(done >= discard):", "with m.If(done > discard):", _OPERATIONS),
    SourceFault(
        "emulator/engines/program/program_cell.py",
        "row.unsettled = np.int64(cut != OK)",
        "row.unsettled = 0",
        _CUT_DRIVES,
    ),
    SourceFault("emulator/engines/events/pulses.py", "    tile.drive.settled = False\n", "", _CUT_DRIVES),
    SourceFault(
        "hw/gateware/control/supervisor.py",
        "m.d.sync += self.faults[name].eq(1)",
        "m.d.sync += self.faults[name].eq(~self.clear)",
        "prove watchdog",
    ),
    SourceFault(
        "hw/gateware/stop_gate.py",
        "self.gate & ~self.stop & ~self.held)",
        "self.gate & ~self.stop)",
        "tests/boards/test_stop_gate.py",
    ),
    SourceFault(
        "hw/gateware/stop_gate.py",
        "HELD_STAGES: Final = 4",
        "HELD_STAGES: Final = 2",
        "tests/boards/test_stop_gate.py",
    ),
    SourceFault(
        "hw/gateware/front_end/adc_reader.py",
        "self.done.eq(self.convert & self.words.ready)",
        "self.done.eq(self.words.ready)",
        _PARTS,
    ),
    SourceFault(
        "hw/gateware/front_end/dac_keeper.py",
        "m.d.sync += left.eq(self.settle)",
        "m.d.sync += left.eq(self.settle - 1)",
        _PARTS,
    ),
    SourceFault(
        "hw/gateware/front_end/switch_loader.py",
        "with m.If((self.selection == Selection.NONE) | abandoned):",
        "with m.If(self.selection == Selection.NONE):",
        "tests/parts/test_serial_front_end.py",
    ),
    SourceFault("emulator/crossbar/levels.py", "/ (levels - 1))", "/ levels)", "tests/emulator/test_levels.py"),
    SourceFault("emulator/crossbar/levels.py", "low[0] = 0", "low[0] = 1", "tests/emulator/test_levels.py"),
)
"""Of kernels, link, parts, timing and gateware."""


def of_proofs() -> list[SourceFault]:
    """Return the mutants of the proofs, each with the first proof that refutes it."""
    found = {}
    for proof in PROOFS.values():
        for mutant in proof.mutants:
            path = f"hw/{mutant.module.replace('.', '/')}.py"
            found.setdefault(mutant, SourceFault(path, mutant.old, mutant.new, f"prove {proof.name}"))
    return list(found.values())


FAULTS = (*OF_SOURCES, *of_proofs())
