"""The response laws by name: those of ``responses/``, one per file, and those of plug-ins."""

import inspect
from typing import Final

from twinbar.emulator.devices.response_law import ResponseLaw
from twinbar.hw.built_in import one_per_module
from twinbar.hw.registry import Registry, Unfit


def _accept(found: object) -> type[ResponseLaw]:
    if not isinstance(found, type) or not issubclass(found, ResponseLaw):
        raise Unfit(f"is {found!r}; it must be a class derived from twinbar.emulator.devices.response_law.ResponseLaw")
    if inspect.isabstract(found):
        raise Unfit(f"lacks the method {', '.join(sorted(found.__abstractmethods__))}, which every response law has")
    return found


RESPONSES: Final = Registry(
    "response law",
    "twinbar.responses",
    one_per_module("twinbar.emulator.devices.responses", "RESPONSE", first="exponential"),
    _accept,
)
