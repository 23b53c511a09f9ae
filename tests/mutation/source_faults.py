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
_TIMING, _CYCLES, _PARTS = "hw/timing.py", "tests/hw/test_phases_of_commands.py", "tests/parts/test_front_end_cycles.py"
_SPI, _BUS = "hw/gateware/front_end/spi_transceiver.py", "tests/parts/test_spi_transceiver.py"
_BUFFER, _KEPT = "hw/gateware/control/activation_buffer.py", "tests/hw/test_activation_buffer.py"
_OUTLET, _LANES = "hw/gateware/control/product_outlet.py", "tests/hw/test_packed_lanes.py"
_TRANSFER, _MOVES = "hw/gateware/control/transfer_member.py", "tests/hw/test_transfers.py"
_STARTS, _CHAINS = "hw/gateware/streams/transfer_start.py", "tests/events/test_chains.py"
_SCALES, _SUMS = "hw/gateware/control/requantizer.py", "tests/hw/test_requantizer.py"
_TABLE, _TABLES = "hw/gateware/control/table_plan.py", "tests/hw/test_pulse_tables.py"
_CHOICE, _CHOICES = "hw/gateware/control/entry_choice.py", "tests/hw/test_entry_choice.py"
_STATUS, _RESULTS = "hw/gateware/control/command_status.py", "hw/gateware/readout/results.py"
_READOUT, _TRIMS = "hw/gateware/readout/readout.py", "hw/gateware/readout/gain_trims.py"
_NETLIST = "tests/events/test_events_equal_the_netlist.py"
_CASCADES = "tile with cascades, shared inputs and packed outputs"
_WALK, _COUNTS = "hw/gateware/readout/output_walk.py", "hw/gateware/accounts/counters.py"
_COMPARISON, _SIDES = "hw/gateware/readout/comparison.py", "tests/hw/test_comparison.py"
_SENT, _BY_HAND = "emulator/contract/sent_inputs.py", "tests/emulator/test_sent_inputs.py"
_SPARSE = "tests/engines/test_sparse_inputs.py"
_HEADS = "tests/link/test_link_session.py"

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
        _CYCLES,
    ),
    SourceFault(_TIMING, "convert = reads * t.samples * t.convert", "convert = reads * t.convert", _CYCLES),
    SourceFault(_TIMING, "phases[Phase.CONVERT] += conversions * t.convert", "phases[Phase.CONVERT] += 1", _CYCLES),
    SourceFault(_AVERAGER, "self.average >= 1 << self._bits", "self.average > 1 << self._bits", _AVERAGED),
    SourceFault(_AVERAGER, "final.eq(discard + kept - 1),", "final.eq(kept - 1),", _OPERATIONS),
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
        "hw/gateware/control/supervisor.py",
        "self.make_safe.eq(self.faulted | self.safe | self.disarm),",
        "self.make_safe.eq((self.faulted & ~self.stop) | self.safe | self.disarm),",
        "tests/hw/test_safety.py",
    ),
    SourceFault(
        "host/transport/endpoint.py",
        "if os.readlink(self._link) == self._path:",
        "if self._link.is_symlink():",
        "tests/link/test_links_to_ports.py",
    ),
    SourceFault(
        "host/transport/endpoint.py",
        "if led_to != target and link.exists():",
        "if led_to == target:",
        "tests/link/test_links_to_ports.py",
    ),
    SourceFault(
        "host/transport/link.py",
        "while attempts < _ATTEMPTS or now - began <= _BUSY_S:",
        "while attempts < _ATTEMPTS or not (heard or now - began > _BUSY_S):",
        "tests/link/test_link.py",
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
        "hw/gateware/front_end/dac_keeper.py",
        "m.d.sync += left.eq(self.settle)",
        "m.d.sync += left.eq(self.settle - 1)",
        _PARTS,
    ),
    SourceFault(_BUFFER, "word.eq(Mux(place == 0, 0, kept)),", "word.eq(kept),", _KEPT),
    SourceFault(_BUFFER, "place.eq(Mux(self.first, 0, next_place))", "place.eq(next_place)", _KEPT),
    SourceFault(_BUFFER, "write.en.eq(self.put & (full | self.last)),", "write.en.eq(self.put & full),", _KEPT),
    SourceFault(
        _OUTLET, "with m.If(self.start | self.responds & self.taken):", "with m.If(self.responds & self.taken):", _LANES
    ),
    SourceFault(_OUTLET, "Mux(held == count - 1, total, 0)[:bits],", "total[:bits],", _LANES),
    SourceFault(_TRANSFER, "next_moved + 1 == body.words", "next_moved + 2 == body.words", _MOVES),
    SourceFault(
        _TRANSFER, "self.write.clear.eq(body.clear & (moved == 0)),", "self.write.clear.eq(body.clear),", _MOVES
    ),
    SourceFault(_TRANSFER, "body.first + next_moved", "body.first + moved", _MOVES),
    SourceFault(_TRANSFER, "kept & ~(started & product) | self.kept", "kept | self.kept", _CHAINS),
    SourceFault(_TRANSFER, "(gap | started & takes & ~admitted)", "gap", _CHAINS),
    SourceFault(_TRANSFER, "& ~(started & admitted & clears)", "", _CHAINS),
    SourceFault(_STARTS, "free.eq(queue.o.valid & ~busy.any())", "free.eq(queue.o.valid)", _MOVES),
    SourceFault(_STARTS, "refused.eq((refuses & taking_part).any())", "refused.eq(refuses.any())", _MOVES),
    SourceFault(
        "emulator/engines/program/program_transfer.py",
        "row.end - row.begin + 1 - TRANSFER_LATENCY",
        "row.end - row.begin - TRANSFER_LATENCY",
        _CHAINS,
    ),
    SourceFault(
        "emulator/engines/events/housekeeping.py",
        "actions[Action.TRANSFERRED_WORD] += len(words)",
        "actions[Action.TRANSFERRED_WORD] += len(words) - 1",
        _CHAINS,
    ),
    SourceFault(
        "hw/gateware/control/control.py",
        "self.counted.eq(transfers.moved),",
        "self.counted.eq(transfers.moved & ~transfers.last),",
        _CHAINS,
    ),
    SourceFault(_SCALES, "total.eq(saturated(self.total, SUM_BITS)),", "total.eq(self.total),", _SUMS),
    SourceFault(_SCALES, "Cat(Const(1, 1), late.zero)", "Cat(Const(0, 1), late.zero)", _SUMS),
    SourceFault(_SCALES, "Mux(below, Mux(late.relu, late.zero, 0),", "Mux(below, late.zero,", _SUMS),
    SourceFault(_SCALES, "Cat(Const(1, 1), late.zero)", "Cat(Const(1, 1), self.settings.zero)", _SUMS),
    SourceFault(_TABLE, "fallen.eq(Mux(rest[-1], 0, rest)),", "fallen.eq(rest),", _TABLES),
    SourceFault(_TABLE, "done.eq(given == self.use.count),", "done.eq(given + 1 == self.use.count),", _TABLES),
    SourceFault(_TABLE, "self.short < settings.slack", "self.short <= settings.slack", _TABLES),
    SourceFault(_CHOICE, "reaches.eq(distance >= reach)", "reaches.eq(distance > reach)", _CHOICES),
    SourceFault(_CHOICE, " & ~ahead[-1]", "", _CHOICES),
    SourceFault(_CHOICE, "self.driven & (self.held == last)", "(self.held == last)", _CHOICES),
    SourceFault(_STATUS, "ok.eq(self.admitted)", "ok.eq(1)", "prove tile"),
    SourceFault(_STATUS, "ok.eq(~self.failed)", "ok.eq(1)", "prove tile"),
    SourceFault(_OUTLET, "self.last_output & visible),", "self.last_output),", f"prove {_CASCADES}"),
    SourceFault(_STARTS, "tile.permits.eq(1)", "tile.permits.eq(0)", _MOVES),
    SourceFault(_RESULTS, "load | unless_halted & ~progress.halt", "load | unless_halted", _NETLIST),
    SourceFault(_TRIMS, "(self.begin | self.decide) & ~self.hold", "self.begin | self.decide", _NETLIST),
    SourceFault(_COUNTS, "with m.If(~acted):", "with m.If(acted):", "prove counts of all options"),
    SourceFault(_READOUT, "moves.eq(decided & product | (", "moves.eq(decided | (", _NETLIST),
    SourceFault(_WALK, "with m.If(self.deciding & steps.last_group):", "with m.If(self.deciding):", _OPERATIONS),
    SourceFault(_COMPARISON, "self.over & ~self.high.all()", "self.over", _SIDES),
    SourceFault(_COMPARISON, "+ upper + self.offset),", "+ self.offset),", _SIDES),
    SourceFault(_COMPARISON, "self.last.eq(missed | second),", "self.last.eq(second),", _SIDES),
    SourceFault(
        "hw/gateware/readout/output_walk.py",
        "Mux(product, channel < left, lane == channel)",
        "Mux(product, channel <= left, lane == channel)",
        "tests/hw/test_power_enables.py",
    ),
    SourceFault(
        "emulator/engines/events/front_end.py",
        "self.channel_wakes += channels - self._channels",
        "self.channel_wakes += 1",
        "tests/engines/test_channel_cycles.py",
    ),
    SourceFault(
        "emulator/contract/activity.py",
        "return np.minimum(idle, commands) + np.minimum(stalled, responding)",
        "return np.minimum(idle, commands) + stalled",
        "tests/ledger/test_power_states.py",
    ),
    SourceFault(_SESSION, "sent[WINDOW.bit_length() - 1 :].any()", "sent[WINDOW.bit_length() :].any()", _HEADS),
    SourceFault(_SESSION, "(missing | frame.damaged) & ~session.missed)", "missing | frame.damaged)", _HEADS),
    SourceFault(_SESSION, "m.d.comb += missing.eq(~ahead[-1])", "m.d.comb += missing.eq(1)", _HEADS),
    SourceFault(
        "hw/gateware/accounts/pending_counts.py",
        "with m.If(self.free & ~jumps):",
        "with m.If(self.free & ~jumps & self.amount.any()):",
        "prove counts of all options",
    ),
    SourceFault(
        "hw/gateware/heartbeat.py", "with m.If(~self.stop):", "with m.If(1):", "tests/boards/test_stop_gate.py"
    ),
    SourceFault(
        "boards/pin_names.py",
        'return ("dac.clock", "dac.data") if i2c else ()',
        'return ("dac.data",) if i2c else ()',
        "tests/boards/test_designs.py",
    ),
    SourceFault(
        "hw/parts/i2c.py", "CLEARING_STOPS: Final = 2", "CLEARING_STOPS: Final = 1", "tests/parts/test_ad5593r.py"
    ),
    SourceFault(
        "emulator/crossbar/levels.py",
        "/ (len(positions) - 1), positions)",
        "/ len(positions), positions)",
        "tests/emulator/test_levels.py",
    ),
    SourceFault(
        "emulator/crossbar/levels.py",
        "half_width * np.append(gaps[0], gaps)",
        "half_width * np.append(gaps, gaps[-1])",
        "tests/emulator/test_levels.py",
    ),
    SourceFault(
        "host/update/kernels.py",
        "in_levels(value, positions) - in_levels(at, positions)",
        "value - at",
        "tests/update/test_uneven_levels.py",
    ),
    SourceFault(
        "emulator/crossbar/level_spacing.py",
        "density = 1 / scatter(line)",
        "density = scatter(line)",
        "tests/emulator/test_level_spacing.py",
    ),
    SourceFault("emulator/crossbar/levels.py", "low[0] = 0", "low[0] = 1", "tests/emulator/test_levels.py"),
    SourceFault(
        _SENT, "            takes_part[0] = True\n", "            pass\n", "tests/emulator/test_sent_inputs.py"
    ),
    SourceFault(_SENT, "            own[:, 0] |= parts &", "            own[:, -1] |= parts &", _BY_HAND),
    SourceFault(
        "emulator/contract/beats.py", "clear = place == sent.words[r]", "clear = place == 0 * sent.words[r]", _SPARSE
    ),
    SourceFault("emulator/contract/beats.py", "(sent.first == r) if block", "(r == 0) if block", _SPARSE),
    SourceFault(
        "emulator/engines/bulk/cascade_schedule.py",
        "s.tiles[number + 1].passed[output",
        "s.tiles[number + 1].handed[output",
        "tests/emulator/test_cascade_schedule.py",
    ),
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
