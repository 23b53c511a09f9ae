"""Everything that has a name and can be added: built in, by a plug-in, or as ``package.module:Name``.

A `Registry` knows the things of one kind. Its built-in ones are found in a folder of the repository
(`twinbar.hw.built_in`), those of plug-ins by the entry points of a group. Names are known without importing anything;
what a name stands for is imported when it is asked for, and checked then.
"""

import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Loaders = Mapping[str, Callable[[], object]]
"""Built-in things by name: each is imported or read when it is called for."""

TWINBAR: Final = "twinbar"
"""Origin of what is built in."""

_PATH = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_REFERENCE: Final = re.compile(f"({_PATH}):({_PATH})")


def is_reference(name: str) -> bool:
    """Whether a name is written as ``package.module:Name``."""
    return _REFERENCE.fullmatch(name) is not None


def file_name(name: str) -> str:
    """Return a name as a file or folder can have it on every system and in an address."""
    return name.replace(":", "-")


class Unfit(Exception):
    """What was found is not of the kind; the text goes on from its name: "is a function; it must be ..."."""


@dataclass(frozen=True)
class Entry:
    """A name that a registry knows.

    Parameters
    ----------
    name : str
    origin : str
        `TWINBAR`, or the plug-in: distribution, version, and what its entry point refers to.
    problem : str, optional
        One sentence, if it cannot be used.
    """

    name: str
    origin: str
    problem: str | None = None


class Registry(Generic[T]):
    """The things of one kind.

    Parameters
    ----------
    kind : str
        How a sentence calls one of them: "update policy".
    group : str
        Entry points that add to it: "twinbar.policies".
    built_in : callable
        Gives the built-in ones; called once, when a name is first asked for.
    accept : callable
        Takes what was imported and gives the thing, or raises `Unfit`.
    name_of : callable, optional
        Gives the name that a thing has itself, which must be that of its entry point.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        built_in: Callable[[], Loaders],
        accept: Callable[[object], T],
        name_of: Callable[[T], str] | None = None,
    ) -> None:
        self.kind = kind
        self.group = group
        self._built_in = cache(built_in)
        self._accept = accept
        self._name_of = name_of

    def built_in_names(self) -> list[str]:
        """Return the names of the built-in ones."""
        return list(self._built_in())

    def built_in(self) -> dict[str, T]:
        """Import all that is built in."""
        return {name: self._accept(load()) for name, load in self._built_in().items()}

    def names(self) -> list[str]:
        """Return all names: the built-in ones, then those of plug-ins in alphabetical order."""
        own = self._built_in()
        return [*own, *sorted({point.name for point in entry_points(self.group)} - own.keys())]

    def load(self, name: str) -> T:
        """Import what a name stands for.

        Parameters
        ----------
        name : str
            One of `names`, or ``package.module:Name``.

        Raises
        ------
        ConfigError
            If there is no such name, two have it, or what it stands for cannot be imported or is not of the kind.
        """
        if is_reference(name):
            return self._refer(name)
        points = [point for point in entry_points(self.group) if point.name == name]
        if name in self._built_in():
            if points:
                raise ConfigError(self._taken(points[0]))
            return self._accept(self._built_in()[name]())
        if not points:
            raise ConfigError(f"there is no {self.kind} {name!r}; {self.hint(name)}")
        return self._plugged(points[0])

    def describe(self, name: str) -> str:
        """Return how a sentence calls a thing: with the plug-in that it is from."""
        points = [] if name in self._built_in() else [p for p in entry_points(self.group) if p.name == name]
        if points:
            return f"the {self.kind} {name!r} of the plug-in {origin_of(points[0])}"
        return f"the {self.kind} {name}" if is_reference(name) else f"the {self.kind} {name!r}"

    def hint(self, name: str) -> str:
        """Say what would be right instead of an unknown name."""
        names = self.names()
        near = difflib.get_close_matches(name, names, n=1)
        if near:
            return f"did you mean {near[0]!r}?"
        return f"choose one of {', '.join(names)}, or give package.module:Name"

    def plugged(self, problem: Callable[[str], None]) -> dict[str, T]:
        """Import all that plug-ins add.

        Parameters
        ----------
        problem : callable
            Takes one sentence for each of them that cannot be used; it is left out.
        """
        found: dict[str, T] = {}
        for point in entry_points(self.group):
            try:
                found[point.name] = (
                    self.load(point.name) if point.name not in self._built_in() else self._plugged(point)
                )
            except ConfigError as error:
                problem(str(error))
        return dict(sorted(found.items()))

    def entries(self) -> Iterator[Entry]:
        """Iterate over all names with their origin; what plug-ins add is imported to see whether it can be used."""
        for name in self._built_in():
            yield Entry(name, TWINBAR)
        for point in sorted(entry_points(self.group), key=lambda point: (point.name, point.value)):
            try:
                self._plugged(point)
            except ConfigError as error:
                yield Entry(point.name, origin_of(point), str(error))
            else:
                yield Entry(point.name, origin_of(point))

    def _plugged(self, point: "EntryPoint") -> T:
        others = [other for other in entry_points(self.group) if other.name == point.name]
        if point.name in self._built_in() or len(others) > 1:
            raise ConfigError(self._taken(point))
        what = self.describe(point.name)
        found = self._fit(what, point.value)
        if self._name_of is not None and self._name_of(found) != point.name:
            raise ConfigError(f"{what} calls itself {self._name_of(found)!r}; make the two names agree")
        return found

    def _refer(self, reference: str) -> T:
        what = self.describe(reference)
        found = self._fit(what, reference)
        if self._name_of is not None:
            own = self._name_of(found)
            if own in self._built_in() and self._accept(self._built_in()[own]()) != found:
                raise ConfigError(f"{what} calls itself {own!r}, as a built-in one does; give it another name")
        return found

    def _fit(self, what: str, reference: str) -> T:
        try:
            thing = _resolve(reference)
        except (Exception, SystemExit) as error:
            raise ConfigError(f"{what} cannot be imported: {_reason(error)}") from error
        try:
            return self._accept(thing)
        except Unfit as error:
            raise ConfigError(f"{what} {error}") from None
        except ConfigError as error:
            raise ConfigError(f"{what} cannot be used: {error}") from None

    def _taken(self, point: "EntryPoint") -> str:
        if point.name in self._built_in():
            return (
                f"the plug-in {origin_of(point)} names its {self.kind} {point.name!r}, as a built-in one is named; "
                "uninstall it, or rename its entry point"
            )
        origins = [origin_of(other) for other in entry_points(self.group) if other.name == point.name]
        return (
            f"the {self.kind} {point.name!r} is in the plug-ins {' and '.join(sorted(origins))}; uninstall one of "
            f"them, or give the one that is meant as {point.value}"
        )


def entry_points(group: str) -> "tuple[EntryPoint, ...]":
    """Return the entry points of a group in all distributions on ``sys.path``."""
    return _entry_points(group, tuple(sys.path))


@cache
def _entry_points(group: str, path: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    from importlib.metadata import entry_points  # takes some milliseconds, which not every command needs

    return tuple(entry_points(group=group))


def origin_of(point: "EntryPoint") -> str:
    """Return the distribution of an entry point, its version, and what the entry point refers to."""
    distribution = point.dist
    package = "" if distribution is None else f"{distribution.name} {distribution.version} "
    return f"{package}({point.value})"


def resolve(reference: str, what: str) -> object:
    """Return what ``package.module:Name`` refers to, where there is no registry of its kind.

    Raises
    ------
    ConfigError
        If it cannot be imported; the sentence begins with ``what``.
    """
    try:
        return _resolve(reference)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"the {what} {reference} cannot be imported: {_reason(error)}") from error


def _resolve(reference: str) -> object:
    match = _REFERENCE.fullmatch(reference.replace(" ", ""))
    if match is None:
        raise ImportError(f"{reference!r} is not written as package.module:Name")
    thing: object = _import(match[1])
    for name in match[2].split("."):
        thing = getattr(thing, name)
    return thing


def _import(module: str) -> object:
    """Import a module; one that lies in the working folder is found too, which the command alone would not do."""
    here = os.getcwd()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0] or here in sys.path:
            raise
    sys.path.append(here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module.partition(".")[0]:
            sys.path.remove(here)
        raise


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, ConfigError):
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
