"""Build-time parameters of a board's link."""

from dataclasses import dataclass, replace

from twinbar.hw.errors import ConfigError

from .frames import LONGEST_FRAME

_LEAST_DIVISOR = 4
_MOST_BAUD_ERROR = 0.015
"""Of a bit time: with as much on the other side, the stop bit is still sampled within 0.3 bits of its middle."""


@dataclass(frozen=True)
class LinkConfig:
    """Parameters of the link that are fixed when a bitstream is made.

    Parameters
    ----------
    clock_hz : int
        Clock of the controller.
    baud : int
        Bits per second; 8 data bits, no parity, 1 stop bit.
    level_bits : int
        Bits of a level in a packed list (`twinbar.hw.link.widths.Widths`): 4 for up to 16 levels.
    receive_bytes, transmit_bytes : int
        Buffers for commands that wait and for responses that may have to be sent again, in bytes. What is under way
        during a round trip must fit: baud / 10 times the latency of the USB adapter.
    linger_s : float
        Time after which what is ready is sent, even if a frame is not full and the controller is still at work.

    Raises
    ------
    ConfigError
        If the baud rate cannot be made from the clock, or a buffer cannot be built.
    """

    clock_hz: int = 12_000_000
    baud: int = 3_000_000
    level_bits: int = 4
    receive_bytes: int = 2048
    transmit_bytes: int = 2048
    linger_s: float = 1e-3

    def __post_init__(self) -> None:
        if self.baud <= 0:
            raise ConfigError(f"link.baud is {self.baud}; it must be positive")
        if self.divisor < _LEAST_DIVISOR or abs(self.clock_hz / self.divisor / self.baud - 1) > _MOST_BAUD_ERROR:
            raise ConfigError(
                f"link.baud is {self.baud}, which a clock of {self.clock_hz} Hz does not make: clock / baud must be "
                f"{_LEAST_DIVISOR} or more, and a whole number within {_MOST_BAUD_ERROR:.1%}"
            )
        if self.divisor > 0xFFFF:
            raise ConfigError(
                f"link.baud is {self.baud}; at {self.clock_hz} Hz the slowest is {self.clock_hz // 65535}"
            )
        for name, least in (("receive_bytes", 512), ("transmit_bytes", 4 * 256)):
            value = getattr(self, name)
            if value & (value - 1) or not least <= value <= 65536:
                raise ConfigError(f"link.{name} is {value}; it must be a power of two from {least} to 65536")
        if not self.linger_s > 0 or not self.linger < 1 << 32:
            raise ConfigError(f"link.linger_s is {self.linger_s}; it must be positive and below a minute")
        assert LONGEST_FRAME <= 256

    def with_choices(
        self, baud: int | None = None, buffer_bytes: int | None = None, linger_s: float | None = None
    ) -> "LinkConfig":
        """Return this link with what a user chose; what is None stays.

        Parameters
        ----------
        baud : int, optional
        buffer_bytes : int, optional
            Of both buffers.
        linger_s : float, optional
        """
        chosen = {"baud": baud, "receive_bytes": buffer_bytes, "transmit_bytes": buffer_bytes, "linger_s": linger_s}
        return replace(self, **{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]

    @property
    def divisor(self) -> int:
        """Clock cycles per bit."""
        return round(self.clock_hz / self.baud)

    @property
    def linger(self) -> int:
        """Clock cycles of ``linger_s``, rounded up to a power of two."""
        return 1 << (round(self.linger_s * self.clock_hz) - 1).bit_length()
