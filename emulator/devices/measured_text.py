"""Rows of a table of measurements, as instruments and spreadsheets write it.

The encoding is UTF-8, UTF-16 with a mark, or Latin-1; columns are separated by semicolons, tabs, commas or spaces;
decimals have a point, or a comma where that does not separate columns; lines that begin with ``#`` or ``%`` are
comments. A first line ``sep=;``, which spreadsheets take for the separator, is taken for it here.
"""

import codecs
import csv
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from twinbar.hw.errors import ConfigError

_COMMENT: Final = ("#", "%")
_SEPARATOR: Final = re.compile(r"""\s*"?sep=(?P<separator>.)"?[,;\t]*\s*""", re.IGNORECASE)
_NO_READING: Final = re.compile(
    r"[-+]?(nan|inf|infinity|overflow|ovf|ovld|n/?a|#n/a|null|none|missing|-+)", re.IGNORECASE
)
"""What instruments and spreadsheets write where they have no reading."""
_OTHER_COMMA: Final = re.compile(r"(?<!\d),|,(?!\d)|,\d+,")
"""A comma that is in no decimal number."""
_POINT: Final = re.compile(r"\d\.\d")
_WORD: Final = re.compile(r"[^\W\d_]{2}")
_DECIMAL: Final = re.compile(r"[-+]?\d*(?P<sign>[.,])\d+(e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""A number that may have decimals, or a sign between its thousands."""
_SHOWN: Final = 40
"""Characters of a field that a message shows."""


class TextRow(NamedTuple):
    """A line of a table: its number in the file, and its fields."""

    line: int
    fields: list[str]


@dataclass(frozen=True)
class MeasuredText:
    """A table as text.

    Parameters
    ----------
    path : Path
    rows : list of TextRow
        Without empty lines and comments.
    comments : list of TextRow
        Those before the first row, split as rows are: the header may stand there.
    decimal_comma : bool
    """

    path: Path
    rows: list[TextRow]
    comments: list[TextRow]
    decimal_comma: bool

    def number(self, line: int, name: str, text: str) -> float:
        """Read a field as a finite number.

        Raises
        ------
        ConfigError
            If it is none; the text names the line and the column.
        """
        value = self.as_number(text)
        if value is None:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            raise ConfigError(f"{self.path}, line {line}: {name} is {shown!r}, not a number; {_remedy(text)}")
        return value

    def check_decimals(self, rows: Sequence[TextRow], columns: Iterable[int]) -> None:
        """Refuse points and commas beside each other in the numbers of some columns: one of them groups thousands.

        Raises
        ------
        ConfigError
            If there are both; the text names a line of each.
        """
        if not self.decimal_comma:
            return
        first: dict[str, tuple[int, str]] = {}
        for row in rows:
            for at in columns:
                match = _DECIMAL.fullmatch(row.fields[at]) if at < len(row.fields) else None
                if match is not None:
                    first.setdefault(match["sign"], (row.line, row.fields[at]))
        if len(first) > 1:
            (line, text), (other, again) = first.values()
            raise ConfigError(
                f"{self.path}, line {other}: {again!r} beside {text!r} in line {line}: comma and point cannot both be "
                "the decimal sign; write all decimals alike, and no sign between thousands"
            )

    def check_thousands(self, rows: Sequence[TextRow], at: int, name: str) -> None:
        """Refuse a column in which every number may have a sign between its thousands, or three decimals.

        Raises
        ------
        ConfigError
            If nothing tells which.
        """
        found = [(row.line, row.fields[at]) for row in rows if at < len(row.fields) and row.fields[at]]
        if found and all(_THOUSANDS.fullmatch(text) for _, text in found):
            line, text = found[0]
            plain = re.sub("[.,]", "", text)
            raise ConfigError(
                f"{self.path}, line {line}: {name} is {text!r}: {plain} or {re.sub(',', '.', text)}? All numbers of "
                "the column have three digits behind their sign; write whole ohms without it, or kohm"
            )

    def as_number(self, text: str) -> float | None:
        """Return a field as a finite number, or None."""
        plain = text.strip().replace("\N{MINUS SIGN}", "-")
        if "_" in plain:  # Python's own sign between thousands
            return None
        try:
            value = float(plain.replace(",", ".") if self.decimal_comma else plain)
        except ValueError:
            return None
        return value if math.isfinite(value) else None


def _remedy(text: str) -> str:
    """Say what would be right in place of a field that is no number."""
    if _NO_READING.fullmatch(text.strip()):
        return "where nothing was read, leave the field empty or take the line out"
    if "," in text:
        return "write decimals with a point where commas separate columns, and no sign between thousands"
    return "write a number like 1.25 or 1e-6, its unit in the header, or take the line out"


def read_measured_text(path: Path) -> MeasuredText:
    """Read a table.

    Raises
    ------
    ConfigError
        If the file cannot be read, or is no text.
    """
    lines = list(enumerate(_decoded(path).splitlines(), start=1))
    numbered = [(line, text) for line, text in lines if text.strip()]
    told = _SEPARATOR.fullmatch(numbered[0][1]) if numbered else None
    if told is not None:
        del numbered[0]
    first = next((at for at, (_, text) in enumerate(numbered) if not _is_comment(text)), len(numbered))
    kept = [(line, text) for line, text in numbered if not _is_comment(text)]
    delimiter = told["separator"].strip(" ") or None if told is not None else _delimiter([text for _, text in kept])
    before = [(line, text.strip().lstrip("".join(_COMMENT))) for line, text in numbered[:first]]
    rows = [_split(path, line, text, delimiter) for line, text in kept]
    while rows and not any(rows[-1].fields):
        rows.pop()
    return MeasuredText(
        path,
        rows,
        [_split(path, line, text, delimiter) for line, text in before],
        decimal_comma=delimiter != ",",
    )


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise ConfigError(f"cannot read {path}: it is not text; a table of measurements is a CSV file")
    return text


def _is_comment(text: str) -> bool:
    # A column may be called #; a comment is more than the sign before a separator.
    stripped = text.strip()
    return stripped.startswith(_COMMENT) and not re.match(r"[#%]\s*[,;\t]", stripped)


def _delimiter(texts: list[str]) -> str | None:
    """Return what separates columns; None for spaces."""
    sample = texts[:50]
    for delimiter in (";", "\t"):
        if any(delimiter in text for text in sample):
            return delimiter
    if not any("," in text for text in sample):
        return None
    if not _are_decimal(sample):
        return ","
    # A header of words may have spaces over one column.
    rows = sample[1:] if _is_of_words(sample[0]) else sample
    return None if any(len(text.split()) > 1 for text in rows) else "\t"


def _are_decimal(sample: list[str]) -> bool:
    """Say whether commas are decimal: in columns that spaces separate, or in the only column."""
    if any(_OTHER_COMMA.search(text) or _POINT.search(text) for text in sample):
        return False
    if _is_of_words(sample[0]):
        return True
    return all(len(text.split()) > 1 and max(field.count(",") for field in text.split()) < 2 for text in sample)


def _is_of_words(text: str) -> bool:
    """Say whether a line is a header without commas."""
    return _WORD.search(text) is not None and "," not in text


def _split(path: Path, line: int, text: str, delimiter: str | None) -> TextRow:
    if delimiter is None:
        return TextRow(line, text.split())
    try:
        fields = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error as error:
        raise ConfigError(f"{path}, line {line} cannot be read: {error}") from None
    return TextRow(line, [field.strip() for field in fields])
