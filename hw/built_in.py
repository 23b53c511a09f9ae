"""Where the built-in things of a kind are found, so that adding one is adding its file."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import partial
from importlib.resources import files
from typing import Any

from twinbar.hw.registry import Loaders


def one_per_module(package: str, attribute: str, first: str = "") -> Callable[[], Loaders]:
    """Find the modules of a package without importing them: ``closed_loop.py`` holds the one called ``closed-loop``.

    Parameters
    ----------
    package : str
    attribute : str
        What the modules call it.
    first : str
        Name that is listed before the others, which follow in alphabetical order.
    """

    def find() -> Loaders:
        modules = [module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)]
        named = {name.replace("_", "-"): name for name in modules}
        return {
            name: partial(_attribute, f"{package}.{named[name]}", attribute)
            for name in sorted(named, key=lambda name: (name != first, name))
        }

    return find


def declared(
    package: str, attribute: str, name_of: Callable[[Any], str] = lambda thing: thing.name
) -> Callable[[], Loaders]:
    """Import the modules of a package, and find what those that have the attribute declare: one thing, or several.

    Parameters
    ----------
    package, attribute : str
    name_of : callable
        Gives the name of a thing, by which they are listed.
    """

    def find() -> Loaders:
        found: dict[str, Any] = {}
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            things = getattr(importlib.import_module(module.name), attribute, ())
            for thing in things if isinstance(things, Iterable) else (things,):
                found[name_of(thing)] = thing
        return {name: partial(_itself, found[name]) for name in sorted(found)}

    return find


def toml_files(package: str, folder: str) -> Callable[[], Loaders]:
    """Find the TOML files in a folder of a package; a file has the name of what it holds."""

    def find() -> Loaders:
        found = {file.name.removesuffix(".toml"): file for file in (files(package) / folder).iterdir()}
        return {name: partial(_itself, file) for name, file in sorted(found.items()) if file.name.endswith(".toml")}

    return find


def _attribute(module: str, name: str) -> object:
    return getattr(importlib.import_module(module), name)


def _itself(thing: object) -> object:
    return thing
