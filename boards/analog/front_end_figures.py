"""What the reference front end does, as simulated: the table that wirings, hosts and pages take it from."""

from importlib import resources
from pathlib import Path

from pydantic import Field, PositiveFloat

from twinbar.boards.toml_file import read_toml
from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.analog_scale import AnalogScale
from twinbar.hw.toml_table import TomlTable


class ReadRange(TomlTable):
    """A range of the transimpedance amplifier; the volts are those at the ADC.

    Parameters
    ----------
    feedback_ohm, feedback_f : float
        The parts that make it.
    transimpedance_ohm : float
        Volts per ampere, inverter included.
    offset_v : float
        Without a current: the pedestal, and the offsets of the amplifiers.
    series_ohm : float
        In series with the cell.
    settle_us : float
        From read_enable until half a step of 8 bits is left, at full scale.
    """

    feedback_ohm: PositiveFloat
    feedback_f: PositiveFloat
    transimpedance_ohm: PositiveFloat
    offset_v: float
    series_ohm: float = Field(ge=0)
    settle_us: PositiveFloat


class ReadingFigures(TomlTable):
    """The read path.

    Parameters
    ----------
    drive_full_scale_v : float
        Bit line at the end of the DAC's range.
    adc_full_scale_v : float
        Of the ADC, whose steps the settling is measured in.
    ranges : list of ReadRange
        The most sensitive first.
    """

    drive_full_scale_v: PositiveFloat
    adc_full_scale_v: PositiveFloat
    ranges: list[ReadRange] = Field(min_length=1)


class WritingFigures(TomlTable):
    """The write path; pulses are of 1 us and 3 V, into 100 uS.

    Parameters
    ----------
    drive_full_scale_v : float
        Bit, source and word line at the end of the DAC's range.
    drive_settle_us : float
        From a step of a DAC until half a step of 8 bits is left.
    set_v, reset_v : float
        At the cell, at the end of the pulse.
    set_rise_ns, reset_rise_ns : float
        From the gate's edge to nine tenths of that.
    fall_ns : float
        From the gate's edge to a tenth of it, the slower of both.
    word_line_settle_us : float
        From a selection until the word line is there, or is below 0.4 V.
    """

    drive_full_scale_v: PositiveFloat
    drive_settle_us: PositiveFloat
    set_v: float
    reset_v: float
    set_rise_ns: PositiveFloat
    reset_rise_ns: PositiveFloat
    fall_ns: PositiveFloat
    word_line_settle_us: PositiveFloat


class LimiterFigures(TomlTable):
    """The current limiter: a limit's code c (of 255) passes ``offset_a + c * ampere_per_code``.

    The other figures are those of a cell at 3 V that sets within 10 ns from 5 uS to 2 mS, with code 51.

    Parameters
    ----------
    offset_a, ampere_per_code : float
    trip_a : float
        Current in the end.
    trip_delay_ns : float
        From the cell's change until ``compliance`` is high.
    overshoot_c : float
        Charge above the limit, from the line's capacitance.
    """

    offset_a: float
    ampere_per_code: PositiveFloat
    trip_a: PositiveFloat
    trip_delay_ns: PositiveFloat
    overshoot_c: PositiveFloat


class InterlockFigures(TomlTable):
    """Largest voltage at a cell of 100 uS with ``write_gate`` high and the DACs at the end of their range.

    Parameters
    ----------
    without_relay_v : float
        While the supplies come, in three orders, and after one of them has gone, without the relay.
    with_relay_v : float
        The same orders, with the relay.
    read_and_gate_v : float
        While ``read_enable`` is high too.
    stop_ns : float
        From the emergency stop until less than 0.1 V is left.
    """

    without_relay_v: float
    with_relay_v: float
    read_and_gate_v: float
    stop_ns: PositiveFloat


class FrontEndFigures(TomlTable):
    """All of them.

    Parameters
    ----------
    title : str
    reading : ReadingFigures
    writing : WritingFigures
    limiter : LimiterFigures
    interlock : InterlockFigures
    """

    title: str
    reading: ReadingFigures
    writing: WritingFigures
    limiter: LimiterFigures
    interlock: InterlockFigures

    @property
    def input_settle_us(self) -> float:
        """What the slowest range takes to come to rest."""
        return max(each.settle_us for each in self.reading.ranges)

    def scale(self, read_v: float, word_line_v: float) -> AnalogScale:
        """Return what codes stand for when reads drive these voltages.

        Raises
        ------
        ConfigError
            If the drives do not reach them.
        """
        reading = self.reading
        return AnalogScale(
            write_full_scale_v=self.writing.drive_full_scale_v,
            read_full_scale_v=reading.drive_full_scale_v,
            read_v=read_v,
            read_word_line_v=word_line_v,
            full_scale_s=tuple(
                reading.adc_full_scale_v / (each.transimpedance_ohm * read_v) for each in reading.ranges
            ),
            pedestal=tuple(each.offset_v / reading.adc_full_scale_v for each in reading.ranges),
            series_ohm=tuple(each.series_ohm for each in reading.ranges),
            limit_offset_a=self.limiter.offset_a,
            limit_per_code_a=self.limiter.ampere_per_code,
        )


def find_figures(name: str) -> FrontEndFigures:
    """Return a table by its name, or from a file of the user.

    Raises
    ------
    ConfigError
        If there is none, or it is wrong.
    """
    folder = resources.files("twinbar.boards.analog")
    known = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    if name in known:
        return read_toml(FrontEndFigures, folder / f"{name}.toml", f"analog front end {name}")
    if not name.endswith(".toml"):
        raise ConfigError(f"there is no analog front end {name!r}; choose one of {', '.join(known)}, or a .toml file")
    return read_toml(FrontEndFigures, Path(name), name)
