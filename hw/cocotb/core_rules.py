"""The rules that hold for a core, whatever it is told to do."""

from typing import Any

from .stream_rules import AnsweredInOrder, BusyTellsTheTruth, StableStream
from .tile_rules import (
    DriveStandsStill,
    GateOnCells,
    GateOrReadPath,
    PulsesAreLimited,
    PulsesRecover,
    PulsesSettle,
    ReadsSettle,
    rules_of_a_tile,
)
from .watched_rule import RuleBook, WatchedRule

_OF_A_BUS = ("m_axis_tvalid", "wb_cyc_i")
_OPTIONS = ("cascade", "shared_inputs", "chain")


def rules_of(dut: Any, protocol: Any, *, at_once: bool = True) -> RuleBook:
    """Return the rules on the ports that a top module has: the core itself, or a wrapper of a bus, which shows fewer.

    Parameters
    ----------
    dut : cocotb handle
    protocol : module
    at_once : bool
        The first one that is broken ends the test.
    """
    size = protocol.CONTROLLER
    serial = not hasattr(dut, "tiles__0__row")
    rules: list[WatchedRule] = []
    # Simulators show what is within a wrapper, too: it is known by the pins of its bus.
    if not any(hasattr(dut, pin) for pin in _OF_A_BUS):
        rules += [rule for tile in range(size["tiles"]) for rule in rules_of_a_tile(protocol, tile, serial=serial)]
        for stream in ("commands", "responses"):
            rules.append(StableStream(f"{stream}__valid", f"{stream}__ready", f"{stream}__payload"))
        rules.append(BusyTellsTheTruth(protocol))
        if not any(size[option] for option in _OPTIONS) and size["outputs_per_beat"] == 1:
            rules.append(AnsweredInOrder(protocol))
    else:
        wrapped = [
            GateOrReadPath,
            GateOnCells,
            DriveStandsStill,
            PulsesSettle,
            ReadsSettle,
            PulsesRecover,
            PulsesAreLimited,
        ]
        kinds = wrapped[:1] if serial else wrapped
        rules += [kind(protocol, tile) for tile in range(size["tiles"]) for kind in kinds]
        if hasattr(dut, "m_axis_tvalid"):
            for stream in ("s_axis", "m_axis"):
                names = f"{stream}_tvalid", f"{stream}_tready", f"{stream}_tdata"
                rules.append(StableStream(*names, "aresetn", 0))
    return RuleBook(rules, at_once=at_once)
