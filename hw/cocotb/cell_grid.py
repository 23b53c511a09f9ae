"""A small model of the array behind the pins of a direct front end: put a model of your own cells in its place."""

from typing import Any

from cocotb.triggers import ReadOnly, RisingEdge

PINS = (
    *("write_gate", "read_enable", "selection", "row", "column", "plane", "record", "codes"),
    *("row_load", "row_clear", "row_word", "row_bits"),
)
STEP = 7
"""Codes by which a pulse changes a cell."""
COLUMN_SHARE = 8
"""A cell adds this part of its code to its column's sum."""


class CellGrid:
    """Cells whose code goes up with every SET or FORM pulse, and down with every RESET pulse.

    ``pulses`` lists what the gate did: record, cycles, and the codes of the lines.

    Parameters
    ----------
    dut, clock : cocotb handle
    protocol : module
    tile : int
    """

    def __init__(self, dut: Any, clock: Any, protocol: Any, tile: int) -> None:
        self.dut, self.clock, self.protocol, self.tile = dut, clock, protocol, tile
        self.size = protocol.CONTROLLER
        self.cells: dict[tuple[int, int], int] = {}
        self.inputs: dict[int, int] = {}
        self.pulses: list[tuple[int, int, int]] = []
        self._open: list[Any] | None = None
        self._pins = (*PINS, "threshold") if self.size["compare"] else PINS
        for channel in range(self.size["adc_channels"]):
            self._pin(f"code__{channel}").value = 0

    def _pin(self, name: str) -> Any:
        return getattr(self.dut, f"tiles__{self.tile}__{name}")

    def cell(self, row: int, column: int) -> int:
        """Return the code of a cell.

        Parameters
        ----------
        row, column : int
        """
        return self.cells.get((row, column), 10 + (row + 3 * column) % 20)

    def clamped(self, code: int) -> int:
        """Return a code as the converter gives it.

        Parameters
        ----------
        code : int
        """
        return min(max(code, 0), (1 << self.size["adc_bits"]) - 1)

    def column_code(self, column: int, plane: int) -> int:
        """Return what the converter says of a column whose rows are driven by one bit of the inputs.

        Parameters
        ----------
        column : int
        plane : int
            Which bit of the inputs, from the lowest.
        """
        driven = (row for row, value in self.inputs.items() if value >> plane & 1)
        return self.clamped(sum(self.cell(row, column) // COLUMN_SHARE for row in driven))

    async def run(self) -> None:
        """Behave, cycle by cycle."""
        while True:
            await ReadOnly()
            pins = {name: int(self._pin(name).value) for name in self._pins}
            await RisingEdge(self.clock)
            self._pulse(pins)
            self._load(pins)
            self._convert(pins)

    def _pulse(self, pins: dict[str, int]) -> None:
        gate, read = pins["write_gate"], pins["read_enable"]
        assert not (gate and read), "the write gate is open while the read path is connected"
        if gate:
            assert pins["selection"] == self.protocol.SELECTIONS["CELL"], "the write gate is open without a cell"
            shown = tuple(pins[name] for name in ("row", "column", "record", "codes"))
            if self._open is None:
                self._open = [shown, 0]
            assert self._open[0] == shown, "the drive changed while the gate was open"
            self._open[1] += 1
        elif self._open is not None:
            (row, column, record, codes), cycles = self._open
            self._open = None
            self.pulses.append((record, cycles, codes))
            change = -STEP if record == self.protocol.RECORDS["RESET"] else STEP
            self.cells[row, column] = self.clamped(self.cell(row, column) + change)

    def _load(self, pins: dict[str, int]) -> None:
        if not pins["row_load"]:
            return
        if pins["row_clear"]:
            self.inputs.clear()
        field = 1 << (self.size["input_bits"] - 1).bit_length()
        bits, word = pins["row_bits"], pins["row_word"]
        for place in range(32 // field):
            row = word * (32 // field) + place
            if row < self.size["rows"]:
                self.inputs[row] = bits >> place * field & (1 << field) - 1

    def _convert(self, pins: dict[str, int]) -> None:
        if not pins["read_enable"]:
            return
        row, column, selection = pins["row"], pins["column"], pins["selection"]
        for channel in range(self.size["adc_channels"]):
            if selection == self.protocol.SELECTIONS["PLANE"]:
                code = self.column_code(column + channel, pins["plane"])
            else:
                code = self.clamped(self.cell(row, column))
            self._pin(f"code__{channel}").value = code
            if self.size["compare"]:
                self._pin(f"over__{channel}").value = int(code >= pins["threshold"])
