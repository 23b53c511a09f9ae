"""Wiring files: what is plugged onto which connector of a board, and where its other pins go."""

from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import Field, PositiveInt, SerializerFunctionWrapHandler, model_serializer

from twinbar.boards.analog.front_end_figures import FrontEndFigures, find_figures
from twinbar.boards.module import Bus, Plugged, find_module, find_part
from twinbar.boards.toml_file import read_toml
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_bounds import MAX_LINE_CODE, MAX_PULSES
from twinbar.hw.parts.adc import AdcPart
from twinbar.hw.parts.assembly import DacOutput, DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.bus import Wires
from twinbar.hw.parts.dac import DacPart
from twinbar.hw.parts.switch import SwitchPart
from twinbar.hw.timing import MAX_WIDTH
from twinbar.hw.toml_table import TomlTable

_HALF_PMOD = 6
_ROUNDING = 1e-9
"""A width in microseconds is rarely a binary fraction."""

SafetyPin = Literal["stop", "compliance", "fault"]
SAFETY_INPUTS: Final[tuple[SafetyPin, ...]] = get_args(SafetyPin)
"""Inputs that stop the controller."""
Pull = Literal["up", "down", "none"]
"""Resistor that the FPGA connects to a pin."""


class Plug(TomlTable):
    """A module, and where it is plugged.

    Parameters
    ----------
    module : str
        Name of a module.
    connector : str
        Such as ``pmod_0``: pin n of the module is pin n of the connector.
    half : {"upper", "lower"}
        Half of a 12-pin Pmod in which a 6-pin module is.
    pins : dict of str to str
        Instead of a connector: pin of the board by pin of the module.
    first : int
        How many chip selects or inputs the modules before it on the same bus have.
    """

    module: str
    connector: str = ""
    half: Literal["upper", "lower"] = "upper"
    pins: dict[int, str] = Field(default_factory=dict)
    first: int = Field(default=0, ge=0)

    def place(self, pin: int) -> str:
        """Return the pin of the board that a pin of the module is on."""
        if self.pins:
            if pin not in self.pins:
                raise ConfigError(f"pin {pin} of the module {self.module} has no place; name it in its `pins`")
            return self.pins[pin]
        if not self.connector:
            raise ConfigError(f"the module {self.module} has no place; give it a `connector`, or `pins`")
        return f"{self.connector}:{pin + (_HALF_PMOD if self.half == 'lower' else 0)}"


class OutputTable(TomlTable):
    """What an output of a DAC drives: see `twinbar.hw.parts.assembly.DacOutput`."""

    line: Literal["bit_line", "source_line", "word_line", "limit"]
    drives: list[Literal["write", "read", "multiply"]]
    channel: int
    chip: int = 0
    rest: int = Field(default=0, ge=0)


class Geometry(TomlTable):
    """What the array on these wires is; options of the command line win."""

    rows: PositiveInt = 16
    columns: PositiveInt = 16
    adc_channels: PositiveInt = 1
    adc_bits: PositiveInt = 8
    dac_bits: PositiveInt = 12
    input_bits: PositiveInt = 4
    command_depth: PositiveInt = 16
    response_depth: PositiveInt = 16


class Limits(TomlTable):
    """What no register of the controller exceeds, whatever a host says; what is not given is not limited.

    Parameters
    ----------
    pulse_us : float, optional
        Width of a pulse.
    pulses : int, optional
        Pulses of a command.
    bit_line, source_line, word_line : int, optional
        Codes of the lines.
    """

    pulse_us: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    pulses: int | None = Field(default=None, ge=1, le=MAX_PULSES, strict=True)
    bit_line: int | None = Field(default=None, ge=0, le=MAX_LINE_CODE, strict=True)
    source_line: int | None = Field(default=None, ge=0, le=MAX_LINE_CODE, strict=True)
    word_line: int | None = Field(default=None, ge=0, le=MAX_LINE_CODE, strict=True)

    @model_serializer(mode="wrap")
    def _given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not limited, which TOML cannot say."""
        return {name: value for name, value in serialize(self).items() if value is not None}

    def caps(self, clock_hz: float) -> dict[str, Any]:
        """Return the parameters of the controller.

        Raises
        ------
        ConfigError
            If a pulse may not last a cycle.
        """
        found: dict[str, Any] = {}
        if self.pulse_us is not None:
            cycles = int(self.pulse_us * 1e-6 * clock_hz * (1 + _ROUNDING))
            if not cycles:
                raise ConfigError(
                    f"limits.pulse_us is {self.pulse_us:g}, less than a cycle of {clock_hz / 1e6:g} MHz; give "
                    f"{1e6 / clock_hz:.3g} or more"
                )
            found["width_cap"] = min(cycles, MAX_WIDTH)
        if self.pulses is not None:
            found["pulse_cap"] = self.pulses
        lines = (self.bit_line, self.source_line, self.word_line)
        if any(line is not None for line in lines):
            found["code_caps"] = tuple(MAX_LINE_CODE if line is None else line for line in lines)
        return found


class Reads(TomlTable):
    """What reads and multiplications drive, in volts.

    Parameters
    ----------
    bit_line_v, word_line_v : float
    """

    bit_line_v: float = Field(gt=0, allow_inf_nan=False)
    word_line_v: float = Field(gt=0, allow_inf_nan=False)


class SafetyInput(TomlTable):
    """How an input that stops the controller is wired.

    By default a broken wire stops: the FPGA pulls the pin to the level at which it acts.

    Parameters
    ----------
    active : {"high", "low"}
        Level at which it acts.
    pull : {"up", "down", "none"}, optional
        Resistor in the FPGA; towards ``active`` unless given. With "none", one on the board of the array must do it.
    """

    active: Literal["high", "low"] = "high"
    pull: Pull | None = None

    @property
    def chosen_pull(self) -> Pull:
        """The resistor in the FPGA."""
        if self.pull is not None:
            return self.pull
        return "up" if self.active == "high" else "down"


class Wiring(TomlTable):
    """A wiring file.

    Parameters
    ----------
    title : str
    boards : list of str
        Boards that it is for.
    front_end : {"serial", "direct"}
        Serial parts, or the controller's own pins.
    geometry : Geometry
    limits : Limits
    modules : list of Plug
    parts : dict of str to str
        Parts that are on no module, by bus: names, or ``package.module:NAME``.
    outputs : list of OutputTable
        Outputs of the DACs in use.
    pairs, reference : bool
        Switches that there are: see `twinbar.hw.parts.matrix.SwitchMatrix`.
    power_up_us : float
        From reset to the first word on any bus.
    input_settle_us : float
        What amplifiers between array and ADC take to come to rest, beside the modules' own filters.
    analog : str
        Amplifiers whose figures are known: a table of `twinbar.boards.analog`, or the ``.toml`` file of one.
    reads : Reads, optional
        Goes with ``analog``, and with it alone.
    skew_ns, round_trip_ns : float
        Ways between FPGA and parts: see `twinbar.hw.parts.bus.Wires`.
    pins : dict
        Pin of the board by pin of the front end, or a list for all bits of one, the lowest first.
    inputs : dict of str to SafetyInput
        Level and pull of ``stop``, ``compliance`` and ``fault``.
    fixed : dict of str to int
        Levels of the front end's outputs that are not there.
    unused : list of str
        Pins of the front end, or beginnings of their names, that go nowhere.
    """

    title: str
    boards: list[str]
    front_end: Literal["serial", "direct"]
    geometry: Geometry = Geometry()
    limits: Limits = Limits()
    modules: list[Plug] = Field(default_factory=list)
    parts: dict[Bus, str] = Field(default_factory=dict)
    outputs: list[OutputTable] = Field(default_factory=list)
    pairs: bool = False
    reference: bool = False
    power_up_us: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    input_settle_us: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    analog: str = ""
    reads: Reads | None = None
    skew_ns: float = Field(default=5.0, ge=0, allow_inf_nan=False)
    round_trip_ns: float = Field(default=25.0, ge=0, allow_inf_nan=False)
    pins: dict[str, str | list[str]] = Field(default_factory=dict)
    inputs: dict[SafetyPin, SafetyInput] = Field(default_factory=dict)
    fixed: dict[str, Literal[0, 1]] = Field(default_factory=dict)
    unused: list[str] = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `reads` where there are none, which TOML cannot say."""
        return {name: value for name, value in serialize(self).items() if value is not None}

    def safety_input(self, pin: str) -> SafetyInput | None:
        """Return how a pin of the front end is wired if it is an input that stops; None: it is not."""
        if pin not in SAFETY_INPUTS:
            return None
        return self.inputs.get(pin, SafetyInput())

    def plugged(self) -> list[tuple[Plug, Plugged]]:
        """Return every module with what is known of its kind."""
        return [(plug, find_module(plug.module)) for plug in self.modules]

    def serial_parts(self, clock_hz: float) -> SerialParts | None:
        """Return the parts of the front end; None if it is direct.

        Raises
        ------
        ConfigError
            If a bus has no part, or several, or one that nothing here drives; or the outputs do not fit.
        """
        if self.front_end == "direct":
            if self.modules or self.parts or self.outputs:
                raise ConfigError("a direct front end has no modules, parts or outputs; write front_end = 'serial'")
            return None
        dac, adc, switch = self._part("dac"), self._part("adc"), self._part("switches")
        assert isinstance(dac, DacPart)
        assert isinstance(adc, AdcPart)
        assert isinstance(switch, SwitchPart)
        filters_ns = max((kind.settle_ns for _, kind in self.plugged()), default=0.0)
        figures, reads = self._amplifiers(), self.reads
        wires = Wires(skew_ns=self.skew_ns, round_trip_ns=self.round_trip_ns)
        return SerialParts(
            clock_hz=clock_hz,
            dac=dac,
            outputs=tuple(
                DacOutput(
                    DrivenLine[output.line.upper()],
                    frozenset(map(DrivePath, output.drives)),
                    output.channel,
                    output.chip,
                    output.rest,
                )
                for output in self.outputs
            ),
            adc=adc,
            switch=switch,
            pairs=self.pairs,
            reference=self.reference,
            dac_board=wires,
            adc_board=wires,
            switch_board=wires,
            power_up_ns=self.power_up_us * 1e3,
            input_settle_ns=self.input_settle_us * 1e3 + filters_ns + (figures.input_settle_us * 1e3 if figures else 0),
            drive_settle_ns=figures.writing.drive_settle_us * 1e3 if figures else 0,
            line_settle_ns=figures.writing.word_line_settle_us * 1e3 if figures else 0,
            scale=figures.scale(reads.bit_line_v, reads.word_line_v) if figures and reads else None,
        )

    def _amplifiers(self) -> FrontEndFigures | None:
        """Return what is known of the amplifiers."""
        if bool(self.analog) != (self.reads is not None):
            missing = "[reads]" if self.analog else "`analog`"
            raise ConfigError(f"`analog` and [reads] say together what codes stand for; give {missing} too")
        return find_figures(self.analog) if self.analog else None

    def _part(self, bus: Bus) -> object:
        names = {kind.part for _, kind in self.plugged() if kind.bus == bus}
        if bus in self.parts:
            names.add(self.parts[bus])
        if not names:
            raise ConfigError(f"no part is on the bus {bus}; plug a module onto it, or name its part under [parts]")
        if len(names) > 1:
            raise ConfigError(f"the bus {bus} has {' and '.join(sorted(names))}; all its parts must be of one kind")
        return find_part(names.pop(), bus)


def wiring_names() -> list[str]:
    """Return the names of the wiring files that come with Twinbar."""
    files = resources.files("twinbar.boards.wirings").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def find_wiring(name: str) -> Wiring:
    """Return a wiring by its name, or from a file of the user.

    Raises
    ------
    ConfigError
        If there is none, or it is wrong.
    """
    if name in wiring_names():
        return read_toml(Wiring, resources.files("twinbar.boards.wirings") / f"{name}.toml", f"wiring {name}")
    if not name.endswith(".toml"):
        raise ConfigError(f"there is no wiring {name!r}; choose one of {', '.join(wiring_names())}, or a .toml file")
    return read_toml(Wiring, Path(name), name)
