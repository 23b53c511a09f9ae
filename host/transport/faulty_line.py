"""A line that damages frames on purpose, to try out how host and board make it good.

Damage is drawn per frame, from a seed, so that a run that showed something can be repeated. It is meant for virtual
boards, and for real ones whose array may be written: what arrives is checked before anything in it is executed.
"""

from dataclasses import dataclass, fields

import numpy as np

from twinbar.hw.errors import ConfigError

from .line import Line

_DELIMITER = b"\0"
_MOST_FLIPS = 3
_MOST_NOISE = 20


@dataclass(frozen=True)
class FaultRates:
    """How often each kind of damage happens, as a probability per frame.

    Parameters
    ----------
    flip : float
        Up to three bits are flipped.
    cut : float
        The end of the frame, its delimiter included, is missing.
    drop : float
        The frame is missing.
    duplicate : float
        The frame comes twice.
    reorder : float
        The frame comes behind the next one.
    noise : float
        Random bytes come before the frame.

    Raises
    ------
    ConfigError
        If one is no probability.
    """

    flip: float = 0.0
    cut: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            rate = getattr(self, field.name)
            if not 0 <= rate <= 1:
                raise ConfigError(f"the rate of {field.name} is {rate}; it must lie between 0 and 1")

    @classmethod
    def damaged(cls, share: float) -> "FaultRates":
        """Spread a share of damaged frames evenly over all kinds."""
        kinds = fields(cls)
        return cls(**{field.name: share / len(kinds) for field in kinds})


class FrameFaults:
    """Damages the frames of one direction.

    Parameters
    ----------
    rates : FaultRates
    rng : numpy.random.Generator

    Attributes
    ----------
    frames, damaged : int
        How many frames came, and how many of them were damaged.
    """

    def __init__(self, rates: FaultRates, rng: np.random.Generator) -> None:
        self._rates = rates
        self._rng = rng
        self._unended = b""
        self._held: bytes | None = None
        self.frames = self.damaged = 0

    def pass_on(self, data: bytes) -> bytes:
        """Take bytes as they were sent; give those that arrive."""
        *ended, self._unended = (self._unended + data).split(_DELIMITER)
        return b"".join(self._damage(frame + _DELIMITER) for frame in ended)

    def _damage(self, frame: bytes) -> bytes:
        rng = self._rng
        happens = {field.name for field in fields(self._rates) if rng.random() < getattr(self._rates, field.name)}
        self.frames += 1
        self.damaged += bool(happens)
        if "flip" in happens:
            flipped = bytearray(frame)
            for place in rng.integers(8 * len(frame), size=int(rng.integers(1, _MOST_FLIPS + 1))):
                flipped[place >> 3] ^= 1 << (place & 7)
            frame = bytes(flipped)
        if "cut" in happens:
            frame = frame[: int(rng.integers(len(frame)))]
        if "noise" in happens:
            frame = rng.bytes(int(rng.integers(1, _MOST_NOISE + 1))) + frame
        if "drop" in happens:
            frame = b""
        if "duplicate" in happens:
            frame += frame
        if self._held is not None:
            frame, self._held = frame + self._held, None
        elif "reorder" in happens:
            frame, self._held = b"", frame
        return frame


class FaultyLine:
    """A line that damages what goes over another one.

    Parameters
    ----------
    line : Line
    to_board, to_host : FaultRates
    seed : int
    """

    def __init__(self, line: Line, to_board: FaultRates, to_host: FaultRates | None = None, *, seed: int = 0) -> None:
        self._line = line
        self.name, self.baud = line.name, line.baud
        there, back = np.random.default_rng(seed).spawn(2)
        self.to_board = FrameFaults(to_board, there)
        self.to_host = FrameFaults(to_board if to_host is None else to_host, back)

    def write(self, data: bytes) -> None:
        """Send bytes, some of them damaged."""
        self._line.write(self.to_board.pass_on(data))

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come, some of them damaged (see `Line`)."""
        return self.to_host.pass_on(self._line.read(timeout_s))

    def clock(self) -> float:
        """Return the time in seconds."""
        return self._line.clock()

    def close(self) -> None:
        """Close the line."""
        self._line.close()
