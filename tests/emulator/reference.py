"""A crossbar cell by cell in plain Python: what the compiled engine is compared with.

Written from the page on architecture (closed-loop write), from the text at the head of ``hw/timing.py`` (cycles) and
from the formats in ``emulator/devices/layout.py``. Only the scalar physics is shared with the engine. One tile, one
cell, one conversion at a time; every number a Python integer.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.range_codes import range_code
from twinbar.emulator.devices import layout, physics

SET, RESET = 0, 1


@dataclass
class Command:
    """What the streams need to know of a command: cycles before the first of its responses, which come in groups."""

    work: int
    outputs: int = 1
    group: int = 1
    gap: int = 0
    sets_range: bool = False
    held_heat: int = 0
    """Heat per cycle of rows that stay driven while its responses wait, but for those of the last group."""
    reads: bool = False
    """Whether the read path is on meanwhile."""


@dataclass
class Cost:
    """What one tile did in one program."""

    phases: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    heat: Counter[str] = field(default_factory=Counter)
    commands: list[Command] = field(default_factory=list)

    @property
    def cycles(self) -> int:
        return sum(self.phases.values())


@dataclass
class WriteResponse:
    code: int
    sets: int
    resets: int
    ok: bool


class ReferenceTile:
    """One tile: its cells, its ADC channels and its write drive."""

    def __init__(self, config: CrossbarConfig, number: int, mapped_columns: int, faults: list[int] | None) -> None:
        self.config = config
        self.number = number
        self.mapped_columns = mapped_columns
        self.scalars, self.tables = config.cells.scalars, config.cells.tables
        self.seed = np.uint64(int(self.scalars[0].seed) & (2**64 - 1))
        self.tick = 0
        array = config.array
        self.keys = [np.uint64(physics.cell_key(self.seed, number, cell)) for cell in range(array.cells)]
        self.traits = [physics.traits(key, self.scalars, self.tables) for key in self.keys]
        self.faults = faults or [int(physics.draw_fault(key, self.scalars)) for key in self.keys]
        self.g = [
            int(physics.initial_conductance(key, fault, trait[2], trait[3], self.tables))
            for key, fault, trait in zip(self.keys, self.faults, self.traits, strict=True)
        ]
        self.pulses = [0] * array.cells
        self.last_tick = [0] * array.cells
        self.stress, self.row_stress = [0] * array.cells, [0] * array.rows
        self.conversions = [0] * array.adc_channels
        self.channel_keys = [
            np.uint64(physics.channel_key(self.seed, number, channel)) for channel in range(array.adc_channels)
        ]
        self.driven: tuple[int | str, int, int] | None = None
        self.range_code = 0

    # --- one cell ---------------------------------------------------------------------------------------------------

    def grid(self, cell: int) -> int:
        """What the read path sees of a cell now, in read-grid units."""
        row, column = divmod(cell, self.config.array.columns)
        ticks = self.tick - self.last_tick[cell]
        seen = physics.effective_conductance(
            self.g[cell], self.keys[cell], self.pulses[cell], ticks, self.scalars, self.tables
        )
        return int(physics.to_grid(seen, row + column, self.scalars, self.tables))

    def product(self, cell: int) -> int:
        """What a multiplication sees of it: a share of the current that a read sees, which its neighbours leave."""
        if not self.scalars[0].wires:
            return self.grid(cell)
        share = int(self.tables[layout.O_PRODUCT + cell])
        return min((self.grid(cell) * share + 2**15) // 2**16, int(self.scalars[0].grid_limit))

    def variance(self, cell: int) -> int:
        return int(physics.grid_variance(self.grid(cell), self.scalars, self.tables))

    def read_once(self, cell: int) -> int:
        """Convert a single cell."""
        channel = cell % self.config.array.columns % self.config.array.adc_channels
        code = physics.convert_cell(
            self.grid(cell),
            self.variance(cell),
            self.seed,
            self.number,
            cell % self.config.array.columns,
            channel,
            self.conversions[channel],
            layout.TRIM_CENTRE,
            0,
            self.scalars,
            self.tables,
        )
        self.conversions[channel] += 1
        self.stress[cell] += int(self.scalars[0].read_stress)
        return int(code)

    def verify(self, cell: int, cost: Cost) -> int:
        """Drive READ, settle, convert n samples, the first d discarded, and give their mean, rounded half up."""
        timing = self.config.timing
        codes = [self.read_once(cell) for _ in range(timing.samples)][self.config.registers.discard :]
        cost.phases["settle"] += timing.settle_read
        cost.phases["convert"] += timing.samples * timing.convert
        cost.phases["decide"] += 1
        cost.actions["convert_verify"] += timing.samples
        cost.actions["channel_wake"] += 1
        cost.actions["channel_cycle"] += timing.settle_read + timing.samples * timing.convert
        cost.heat["verify"] += self.grid(cell) * (timing.settle_read + timing.samples * timing.convert)
        return (2 * sum(codes) + len(codes)) // (2 * len(codes))

    def pulse(
        self, cell: int, polarity: int, amplitude: int, gate: int, cost: Cost, entry: tuple[str, int, int] | None = None
    ) -> None:
        """Drive, settle, open the gate for the width of the polarity, recover.

        Of a pulse table, the drive holds an ``entry``, whatever its codes.
        """
        timing = self.config.timing
        wanted = entry or (polarity, amplitude, gate)
        if self.driven != wanted:
            self.driven = wanted
            cost.phases["settle"] += timing.settle_drive
            cost.actions["drive_update"] += 1
        width = timing.width_set if polarity == SET else timing.width_reset
        self.half_selected(cell, polarity, amplitude, gate, width, cost)
        before = after = self.g[cell]
        if self.faults[cell] == layout.FAULT_NONE:
            after = int(
                physics.apply_pulse(
                    before,
                    self.keys[cell],
                    self.pulses[cell],
                    polarity,
                    amplitude,
                    gate,
                    width,
                    self.traits[cell],
                    self.scalars,
                    self.tables,
                )
            )
        self.g[cell] = after
        self.pulses[cell] += 1
        self.last_tick[cell] = self.tick
        weight = int(self.tables[layout.O_ENERGY + polarity * layout.CODES + amplitude])
        mean = (before + after) >> 13
        # Q12 siemens of Gmax in series with the access transistor: G / (1 + G R), with G R in Q24.
        in_series = mean * 2**24 // (2**24 + mean * int(self.scalars[0].access))
        cost.heat["set" if polarity == SET else "reset"] += in_series * weight
        cost.actions["pulse_set" if polarity == SET else "pulse_reset"] += 1
        cost.phases["pulse"] += width
        cost.phases["recover"] += timing.recover

    def half_selected(self, cell: int, polarity: int, amplitude: int, gate: int, width: int, cost: Cost) -> None:
        """Other cells of a passive array, which see half of the voltage, or a third: elsewhere, of the other sign."""
        parts = {"transistor": 0, "half": 2, "third": 3}[self.config.array.bias_scheme]
        if not parts:
            return
        row, column = divmod(cell, self.config.array.columns)
        code = int(amplitude / parts + 0.5)
        number = physics.draw(self.keys[cell], layout.DRAW_HALF_SELECTED, self.pulses[cell]) | np.uint64(1)
        for other in range(self.config.array.cells):
            here = divmod(other, self.config.array.columns)
            crosses = [own == there for own, there in zip(here, (row, column), strict=True)]
            if all(crosses) or (parts == 2 and not any(crosses)):
                continue
            before = after = self.g[other]
            if self.faults[other] == layout.FAULT_NONE:
                own = polarity if any(crosses) else 1 - polarity
                cell_of = self.keys[other], self.pulses[other], number, own, code, gate, width, self.traits[other]
                after = int(physics.apply_drawn_pulse(before, *cell_of, self.scalars, self.tables))
            self.g[other] = after
            weight = int(self.tables[layout.O_ENERGY + polarity * layout.CODES + code])
            cost.heat["set" if polarity == SET else "reset"] += ((before + after) >> 13) * weight

    def set_tick(self, tick: int) -> None:
        """Cells have aged since the last tick, and what was read in it shows."""
        if tick != self.tick and self.scalars[0].reads_disturb:
            for cell, fault in enumerate(self.faults):
                self.stress[cell] += self.row_stress[cell // self.config.array.columns]
                if self.stress[cell] and fault == layout.FAULT_NONE:
                    found = physics.disturbed(
                        self.g[cell], self.keys[cell], self.stress[cell], self.scalars, self.tables
                    )
                    self.g[cell], self.stress[cell] = map(int, found)
            self.row_stress = [0] * len(self.row_stress)
        self.tick = tick

    # --- operations ---------------------------------------------------------------------------------------------------

    def _address(self, cost: Cost) -> None:
        cost.actions["command_beat"] += 1
        cost.actions["select_cell"] += 1
        cost.phases["select"] += self.config.timing.select

    def _respond(self, cost: Cost) -> None:
        cost.actions["response_beat"] += 1
        cost.phases["respond"] += 1

    def write(self, cell: int, level: int, cost: Cost) -> WriteResponse:
        """Closed-loop write of one cell."""
        registers = self.config.registers
        low, high = int(self.config.levels.low[level]), int(self.config.levels.high[level])
        ramps = {
            SET: (registers.set_amplitude, registers.set_gate),
            RESET: (registers.reset_amplitude, registers.reset_gate),
        }
        counts = {SET: 0, RESET: 0}
        polarity: int | None = None
        amplitude = gate = 0
        before = cost.cycles
        self._address(cost)
        while True:
            code = self.verify(cell, cost)
            ok = low <= code <= high
            if ok or counts[SET] + counts[RESET] == registers.limit:
                break
            wanted = SET if code < low else RESET
            drive, line = ramps[wanted]
            if wanted == polarity:
                amplitude = min(amplitude + drive.step, drive.stop)
                gate = min(gate + line.step, line.stop)
            else:
                polarity, amplitude, gate = wanted, drive.start, line.start
            self.pulse(cell, polarity, amplitude, gate, cost)
            counts[polarity] += 1
        cost.actions["write_ok" if ok else "write_failed"] += 1
        cost.commands.append(Command(cost.cycles - before))
        self._respond(cost)
        return WriteResponse(code, counts[SET], counts[RESET], ok)

    def compare(self, cell: int, window: tuple[int, int], side: int, cost: Cost) -> int:
        """Drive READ, settle, compare with the bound of ``side``, then with the other: -1 below, 1 above, else 0."""
        timing, top = self.config.timing, int(self.scalars[0].adc_max)
        low, high = window
        cost.phases["settle"] += timing.settle_read
        cost.phases["decide"] += 1
        cost.heat["verify"] += self.grid(cell) * timing.settle_read
        cost.actions["channel_wake"] += 1
        cost.actions["channel_cycle"] += timing.settle_read
        for bound in (side, 1 - side):
            over = self.read_once(cell) >= min(max(low if bound == SET else high + 1, 0), top + 1)
            cost.phases["convert"] += timing.compare
            cost.actions["compare"] += 1
            cost.actions["channel_cycle"] += timing.compare
            cost.heat["verify"] += self.grid(cell) * timing.compare
            if bound == SET and low > 0 and not over:
                return -1
            if bound == RESET and high < top and over:
                return 1
        return 0

    def write_by_table(self, cell: int, level: int, command: tuple[int, int, int], cost: Cost) -> WriteResponse:
        """Closed-loop write of one cell by pulse table; ``command`` are its fields first, polarity and entry."""
        table = self.config.pulse_table
        assert table is not None
        entries, rules = table.entries, table.rules
        last = entries.amplitude.shape[1] - 1
        low, high = int(self.config.levels.low[level]), int(self.config.levels.high[level])
        first, side, entry = command
        pulsed: list[int] = []
        offset = entry if rules.keep else 0
        code, status = 0, "goes on"
        before = cost.cycles
        self._address(cost)

        def groups(polarity: int, number: int) -> bool:
            """Give a group of pulses and those that turn behind it; gives whether the write ends with them."""
            nonlocal offset
            while True:
                for _ in range(int(entries.pulses[polarity, number])):
                    if len(pulsed) < rules.limit:
                        codes = int(entries.amplitude[polarity, number]), int(entries.gate[polarity, number])
                        self.pulse(cell, polarity, *codes, cost, ("entry", polarity, number))
                        pulsed.append(polarity)
                if not entries.turns[polarity, number] or len(pulsed) == rules.limit:
                    return bool(entries.ends[polarity, number])
                offset = max(offset - rules.fall, 0)
                polarity, number = 1 - polarity, offset

        if first and groups(side, entry):
            status = "ends"
        while status == "goes on":
            if rules.compare:
                code = self.compare(cell, (low, high), pulsed[-1] if pulsed else side, cost)
                beyond = abs(code)
            else:
                code = self.verify(cell, cost)
                beyond = max(low - code, code - high, 0)
            if beyond == 0:
                status = "inside"
            elif (
                not rules.compare and rules.patience != 255 and len(pulsed) >= rules.patience and beyond <= rules.slack
            ):
                status = "near"
            elif len(pulsed) == rules.limit:
                status = "failed"
            else:
                wanted = SET if (code < 0 if rules.compare else code < low) else RESET
                if pulsed:
                    step = rules.rise if pulsed[-1] == wanted else -rules.fall
                    offset = min(max(offset + step, 0), last)
                counts = not rules.compare and rules.shift != 15
                number = min(offset + ((beyond - 1) >> rules.shift), last) if counts else offset
                if groups(wanted, number):
                    status = "ends"
        code = 0 if status == "ends" else code
        if rules.compare and (table.code or status == "failed"):
            code = self.verify(cell, cost)
        ok = status != "failed"
        cost.actions["write_ok" if ok else "write_failed"] += 1
        cost.commands.append(Command(cost.cycles - before))
        self._respond(cost)
        return WriteResponse(code, pulsed.count(SET), pulsed.count(RESET), ok)

    def read(self, cell: int, cost: Cost) -> int:
        before = cost.cycles
        self._address(cost)
        code = self.verify(cell, cost)
        cost.commands.append(Command(cost.cycles - before))
        self._respond(cost)
        return code

    def multiply(
        self, vectors: list[list[int]], used_rows: int, used_columns: int, full_scale: float, cost: Cost
    ) -> tuple[list[list[int]], list[int]]:
        """Multiply input codes by the conductances; ``vectors`` is [batch][rows].

        Returns
        -------
        outputs : list [batch] [outputs]
            Shifted and added codes.
        codes : list
            Every single conversion, in order.
        """
        array, timing = self.config.array, self.config.timing
        adc = self.config.adc_range(full_scale)
        ka = int(self.scalars[0].adc_ka)
        lowest, highest = array.code_range
        outputs = used_columns // 2 if array.pairs == "subtract" else used_columns
        busiest = -(-outputs // array.adc_channels)
        # A word of 32 bits; an input takes 1, 2, 4 or 8 of them.
        words = -(-used_rows // (32 // next(bits for bits in (1, 2, 4, 8) if bits >= array.input_bits)))
        grid = [self.product(cell) for cell in range(array.cells)]
        variance = [int(physics.grid_variance(value, self.scalars, self.tables)) for value in grid]
        results, codes = [], []
        if range_code(full_scale) != self.range_code:
            self.range_code = range_code(full_scale)
            cost.actions["command_beat"] += 1
            cost.phases["decide"] += 2
            cost.commands.append(Command(2, sets_range=True))
            self._respond(cost)
        for vector in vectors:
            result = [0] * outputs
            cost.actions["command_beat"] += 1 + words
            cost.phases["select"] += words
            cost.commands += [Command(1, outputs=0)] * words
            step_cycles = timing.select + timing.settle_multiply + busiest * (timing.convert + 1)
            work = held_heat = 0
            for plane in range(array.planes):
                inputs = vector if array.inputs == "dac" else [code >> plane & 1 for code in vector]
                if array.skip_empty and not any(inputs):
                    continue
                cost.actions["input_step"] += 1
                cost.actions["row_drive"] += sum(value > 0 for value in inputs)
                for row, value in enumerate(inputs):
                    self.row_stress[row] += int(self.tables[layout.O_STRESS + value])
                cost.phases["select"] += timing.select
                cost.phases["settle"] += timing.settle_multiply
                # One ADC channel after another would be slower: channels convert side by side.
                cost.phases["convert"] += busiest * timing.convert
                cost.phases["decide"] += busiest
                driven = timing.settle_multiply
                if not array.sample_and_hold:
                    driven += busiest * timing.convert + busiest - 1
                work += step_cycles
                cost.actions["channel_wake"] += min(array.adc_channels, outputs)
                cost.actions["channel_cycle"] += min(array.adc_channels, outputs) * timing.settle_multiply
                for first in range(0, outputs, array.adc_channels):
                    # Behind the last group the read path is off.
                    cycles = timing.convert + (first + array.adc_channels < outputs)
                    cost.actions["channel_cycle"] += min(array.adc_channels, outputs - first) * cycles
                held_heat = 0
                # Of cells that are not linear, the current comes from a table; the heat is voltage times current.
                places = int(self.scalars[0].drive_shift)
                current_of = [int(self.tables[layout.O_DRIVE + value]) if places else value for value in inputs]
                for row, value in enumerate(inputs):
                    first = row * array.columns
                    power = value * current_of[row] // 2**places
                    held_heat += power * sum(grid[first : first + self.mapped_columns])
                cost.heat["forward"] += held_heat * driven
                for output in range(outputs):
                    channel = output % array.adc_channels
                    current = spread = 0
                    for row, value in enumerate(current_of):
                        if array.pairs == "subtract":
                            plus = row * array.columns + 2 * output
                            current += value * (grid[plus] - grid[plus + 1])
                            spread += value**2 * (variance[plus] + variance[plus + 1])
                        else:
                            cell = row * array.columns + output
                            current += value * grid[cell]
                            spread += value**2 * variance[cell]
                    code = int(
                        physics.convert(
                            current,
                            spread,
                            self.channel_keys[channel],
                            self.conversions[channel],
                            0,
                            adc.gain,
                            adc.gain_shift,
                            adc.ku,
                            adc.ku_shift,
                            ka,
                            lowest,
                            highest,
                            self.tables,
                        )
                    )
                    self.conversions[channel] += 1
                    cost.actions["convert_forward"] += 1
                    cost.actions["shift_add"] += 1
                    codes.append(code)
                    result[output] += code << plane
            conversion = timing.convert + 1
            command = Command(0, outputs, array.adc_channels)
            if work:
                # Of the last step, what lies behind its first group comes between the groups of responses.
                command.work, command.gap = work - (busiest - 1) * conversion, conversion
                command.reads = True
                for output in range((busiest - 1) * array.adc_channels):
                    cost.actions["channel_cycle"] += min(array.adc_channels, outputs - output)
                if not array.sample_and_hold:
                    command.held_heat = held_heat
                    cost.heat["forward"] += held_heat * (busiest - 1) * array.adc_channels
            cost.commands.append(command)
            cost.actions["response_beat"] += outputs
            cost.phases["respond"] += outputs
            results.append(result)
        return results, codes


class ReferenceCrossbar:
    """Tiles that share nothing."""

    def __init__(
        self, config: CrossbarConfig, tiles: int, mapped_columns: np.ndarray, faults: np.ndarray | None = None
    ) -> None:
        self.tiles = [
            ReferenceTile(config, tile, int(mapped_columns[tile]), None if faults is None else faults[tile].tolist())
            for tile in range(tiles)
        ]

    def set_tick(self, tick: int) -> None:
        for tile in self.tiles:
            tile.set_tick(tick)
