"""Words whose bits have names: packed and unpacked here, and nowhere else by number."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final

from amaranth.hdl import signed
from amaranth.lib import data

from twinbar.hw.errors import ConfigError, TwinbarError

from .sizes import ControllerSizes


class DeclarationError(TwinbarError):
    """A declaration of the protocol contradicts itself."""


_ALL_ONES: Final = -1


@dataclass(frozen=True)
class Field:
    """Some bits of a word.

    Parameters
    ----------
    name : str
    offset : int
        Its lowest bit.
    bits : int
    about : str
        What it holds, with the unit.
    signed : bool
        Two's complement.
    kind : type, optional
        Enumeration of its values.
    least, most : int
        Range of values; ``most`` is what the bits can hold if it is not given.
    bits_from : str
        Name of the elaboration parameter that says how many of the bits a value may use; a signed one takes its sign
        in addition.
    cap : str
        Name of the elaboration parameter above which a controller refuses values.

    Raises
    ------
    DeclarationError
        If the bounds do not fit the bits.
    """

    name: str
    offset: int
    bits: int
    about: str = ""
    signed: bool = False
    kind: type[Enum] | None = None
    least: int = 0
    most: int = _ALL_ONES
    bits_from: str = ""
    cap: str = ""

    def __post_init__(self) -> None:
        if self.offset < 0 or self.bits < 1:
            raise DeclarationError(
                f"field {self.name} has {self.bits} bits from bit {self.offset} on; it needs a place"
            )
        floor, top = self.reach
        if self.signed and self.least == 0 and self.most == _ALL_ONES:
            object.__setattr__(self, "least", floor)
        if self.most == _ALL_ONES:
            object.__setattr__(self, "most", top)
        if not floor <= self.least <= self.most <= top:
            raise DeclarationError(
                f"field {self.name} is said to hold {self.least} to {self.most}; its {self.bits} bits hold {floor} to "
                f"{top}"
            )

    @property
    def reach(self) -> tuple[int, int]:
        """The least and the greatest number that the bits can hold."""
        return (-(1 << self.bits - 1), (1 << self.bits - 1) - 1) if self.signed else (0, (1 << self.bits) - 1)

    @cached_property
    def mask(self) -> int:
        """As many ones as it has bits."""
        return (1 << self.bits) - 1

    @property
    def end(self) -> int:
        """The first bit above it."""
        return self.offset + self.bits

    @property
    def places(self) -> slice:
        """Its bits, for indexing a signal."""
        return slice(self.offset, self.end)

    @property
    def shape(self) -> Any:
        """Its shape in gateware."""
        return self.kind if self.kind is not None else signed(self.bits) if self.signed else self.bits

    def of(self, word: Any) -> Any:
        """Read the field out of a word (int, or int array)."""
        value = word >> self.offset & self.mask
        return value - (value >> self.bits - 1 << self.bits) if self.signed else value

    def put(self, value: Any) -> Any:
        """Place a value, cut to the field, in a word of zeros (int, or int array)."""
        return (value & self.mask) << self.offset

    def bounds(self, config: ControllerSizes) -> tuple[int, int]:
        """Return the range of values in a controller."""
        least, most = self.least, self.most
        if self.bits_from:
            top = 1 << getattr(config, self.bits_from)
            least, most = (-top if self.signed else 0), top - 1
        return least, min(most, getattr(config, self.cap)) if self.cap else most


@dataclass(frozen=True)
class Word:
    """A word with named fields.

    Parameters
    ----------
    name : str
    bits : int
        Its width; bits of no field are 0.
    fields : Field
        In the order of the declaration.
    exclusive : tuple of str
        Flags of which at most one is set.

    Raises
    ------
    DeclarationError
        If two fields overlap or have one name, one leaves the word, or an exclusive flag is no flag of it.
    """

    name: str
    bits: int
    fields: tuple[Field, ...]
    exclusive: tuple[str, ...] = ()
    _by_name: dict[str, Field] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        names = [each.name for each in self.fields]
        for name in names:
            if names.count(name) > 1:
                raise DeclarationError(f"{self.name} has two fields {name}")
        for each in self.fields:
            if each.end > self.bits:
                raise DeclarationError(f"{self.name}.{each.name} ends at bit {each.end - 1} of {self.bits} bits")
        ordered = sorted(self.fields, key=lambda each: each.offset)
        for lower, upper in itertools.pairwise(ordered):
            if upper.offset < lower.end:
                raise DeclarationError(f"{self.name}.{lower.name} and {self.name}.{upper.name} overlap")
        object.__setattr__(self, "_by_name", {each.name: each for each in self.fields})
        for flag in self.exclusive:
            if flag not in self or self[flag].bits != 1:
                raise DeclarationError(f"{self.name}.{flag} is said to exclude others, and is no flag")

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self._by_name)

    @property
    def layout(self) -> Any:
        """The layout in gateware."""
        return data.FlexibleLayout(self.bits, {each.name: data.Field(each.shape, each.offset) for each in self.fields})

    def pack(self, **values: Any) -> Any:
        """Pack values (ints, or int arrays); fields left out are 0.

        Raises
        ------
        ConfigError
            If a field does not exist, or an int does not fit it.
        """
        word: Any = 0
        for name, value in values.items():
            if name not in self:
                raise ConfigError(f"{self.name} has no field {name!r}; it has {', '.join(self.names)}")
            each = self[name]
            floor, top = each.reach
            if isinstance(value, int) and not floor <= value <= top:
                raise ConfigError(f"{self.name}.{name} is {value}; it holds {floor} to {top}")
            word = word | each.put(value)
        return word

    def unpack(self, word: Any) -> dict[str, Any]:
        """Return the fields of a word (int, or int array) by name."""
        return {each.name: each.of(word) for each in self.fields}

    @property
    def exclusive_bits(self) -> int:
        """The bits of which at most one is set."""
        return sum(1 << self[flag].offset for flag in self.exclusive)

    def capped(self, word: int, config: ControllerSizes) -> int:
        """Return a word whose fields are within their caps: what a register holds after power-up."""
        for each in self.fields:
            if each.cap:
                word += each.put(min(each.of(word), each.bounds(config)[1])) - each.put(each.of(word))
        return word

    def holds(self, word: int, config: ControllerSizes) -> bool:
        """Whether a word has nothing outside its fields, each within its bounds, and at most one exclusive flag."""
        rest = word
        for each in self.fields:
            rest &= ~(each.mask << each.offset)
        if rest or (word & self.exclusive_bits).bit_count() > 1:
            return False
        for each in self.fields:
            least, most = each.bounds(config)
            if not least <= each.of(word) <= most:
                return False
        return True
