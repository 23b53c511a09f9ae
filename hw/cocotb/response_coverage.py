"""What a bench has covered: operation x polarity x outcome x fault x back-pressure, and boundary values.

A bin is a text such as ``WRITE/SET/FAULTED/watchdog/waited``. The bins are all combinations that the contract permits:
an operation that gives no pulses has no polarity, and only an outcome that comes from a fault names one.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

REFUSED_BY_ADDRESS = ("BAD_TILE",)
_TAKEN = ("at once", "waited")
_NO_PULSES = "none"


def all_bins(protocol: Any) -> list[str]:
    """Return every bin of a core without options that share streams.

    Parameters
    ----------
    protocol : module
    """
    bins = [f"{each}/{taken}" for each in _outcomes(protocol) for taken in _TAKEN]
    for name, (_, _, greatest) in protocol.BOUNDS.items():
        # Of a register that takes every value there is none beyond.
        ends = ("least", "greatest", "beyond") if greatest < most_of_a_value(protocol) else ("least", "greatest")
        bins += [f"register {name}/{end}" for end in ends]
    bins += [f"PULSE/count/{end}" for end in ("one", "limit", "none", "beyond")]
    bins += [f"MULTIPLY/outputs/{end}" for end in ("one", "all")]
    return bins


def most_of_a_value(protocol: Any) -> int:
    """Return the greatest value that a command can write to a register."""
    _, bits, _ = protocol.COMMANDS["WRITE_REGISTER"][1]["value"]
    return int((1 << bits) - 1)


def _outcomes(protocol: Any) -> list[str]:
    faults = protocol.FAULTS
    found = []
    for name, needs in protocol.NEEDS.items():
        if name == "TRANSFER":
            continue  # of chains only
        polarities = {"WRITE": ("SET", "RESET", "both"), "PULSE": ("SET", "RESET"), "FORM": ("SET",)}.get(name, ())
        ended = [(polarity, "OK", "-") for polarity in (_NO_PULSES, *polarities)]
        if name == "PULSE":
            ended = ended[1:]
        if name in ("WRITE", "FORM"):
            ended += [(polarity, "FAILED", "-") for polarity in polarities]
        if name in protocol.HALTABLE:
            ended += [(polarity, "ABORTED", "-") for polarity in (_NO_PULSES, *polarities)]
            by_halt = faults if needs or name == "ARM" else [fault for fault in faults if fault not in _OF_ARMED]
            ended += [(polarity, "FAULTED", fault) for polarity in (_NO_PULSES, *polarities) for fault in by_halt]
        else:
            ended += [(_NO_PULSES, "OK", fault) for fault in faults if name not in ("LOAD", "CLEAR")]
        if name == "LOAD":
            ended = []
        refusals = [*protocol.REASONS[name], *(REFUSED_BY_ADDRESS if name != "SAFE" else ())]
        refusals += ["DISARMED"] if needs else []
        refusals += ["WINDOW"] if name == "ARM" else []
        refusals += {"READ_REGISTER": ["BAD_REGISTER"]}.get(name, [])
        refusals += {"WRITE_REGISTER": ["BAD_REGISTER", "LOCKED", "BAD_VALUE"]}.get(name, [])
        ended += [(_NO_PULSES, reason, "-") for reason in refusals]
        found += [f"{name}/{polarity}/{outcome}/{fault}" for polarity, outcome, fault in ended]
    return [*found, "unknown/none/UNKNOWN_OPCODE/-"]


_OF_ARMED = ("compliance", "watchdog")
"""Faults that occur in a tile that is armed."""


class ResponseCoverage:
    """Counts what is covered; an observer of every cycle of a core with its own streams.

    Parameters
    ----------
    protocol : module
    bins : iterable of str, optional
        Those that a bench is to hit; by default all.

    Attributes
    ----------
    hits : Counter of str
        How often each bin was hit.
    """

    def __init__(self, protocol: Any, bins: Iterable[str] | None = None) -> None:
        self.protocol = protocol
        self.bins = list(all_bins(protocol) if bins is None else bins)
        self.hits: Counter[str] = Counter()
        self._names = {each[0]: name for name, each in protocol.COMMANDS.items()}
        self._asked: list[list[int]] = [[] for _ in range(protocol.CONTROLLER["tiles"])]
        self._waited = False
        self._products = [0] * len(self._asked)
        self._limit = dict.fromkeys(range(protocol.CONTROLLER["tiles"]), protocol.INITIAL.get(self._pulse_limit, 0))

    @property
    def _pulse_limit(self) -> int:
        return int(self.protocol.REGISTERS["PULSE_LIMIT"])

    @property
    def missing(self) -> list[str]:
        """Bins that were not hit."""
        return [name for name in self.bins if not self.hits[name]]

    @property
    def share(self) -> float:
        """Share of the bins that were hit."""
        return 1 - len(self.missing) / len(self.bins)

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        if pins["commands__valid"] and pins["commands__ready"]:
            self.ask(pins["commands__payload"])
        if not pins["responses__valid"]:
            return
        if pins["responses__ready"]:
            self.answer(pins["responses__payload"], waited=self._waited)
        self._waited = not pins["responses__ready"]

    def ask(self, beat: int) -> None:
        """Take note of a command that was accepted.

        Parameters
        ----------
        beat : int
            Its bits.
        """
        tile = self._field(self.protocol.COMMAND, "tile", beat)
        opcode = self._field(self.protocol.COMMAND, "opcode", beat)
        everywhere = self._names.get(opcode) == "SAFE"
        for each in range(len(self._asked)) if everywhere else [tile if tile < len(self._asked) else 0]:
            self._asked[each].append(beat)

    def answer(self, beat: int, *, waited: bool) -> None:
        """Take note of a response that was taken, and whether it had to wait for it.

        Parameters
        ----------
        beat : int
            Its bits.
        waited : bool
            Whether the consumer was not ready when it was first offered.
        """
        protocol = self.protocol
        tile, opcode, status, faults = (
            self._field(protocol.RESPONSE, name, beat) for name in ("tile", "opcode", "status", "faults")
        )
        name = self._names.get(opcode, "unknown")
        body = self._field(protocol.RESPONSE, "body", beat)
        results = protocol.COMMANDS[name][2] if name in protocol.COMMANDS else {}
        pulses = [self._field(results, kind, body) if kind in results else 0 for kind in ("sets", "resets")]
        polarity = {(0, 0): _NO_PULSES, (1, 0): "SET", (0, 1): "RESET", (1, 1): "both"}[
            (int(pulses[0] > 0), int(pulses[1] > 0))
        ]
        outcome = protocol.STATUSES[status]
        told = ["-"]
        if outcome == "FAULTED" or (outcome == "OK" and name not in protocol.HALTABLE and faults):
            told = [fault for place, fault in enumerate(protocol.FAULTS) if faults >> place & 1]
        for fault in told:
            self.hits[f"{name}/{polarity}/{outcome}/{fault}/{_TAKEN[waited]}"] += 1
        self._boundaries(tile, name, outcome)

    def _boundaries(self, tile: int, name: str, outcome: str) -> None:
        """Find the command that was answered, and whether its arguments are the least or greatest that there are."""
        protocol, asked = self.protocol, self._asked[tile]
        while asked and self._names.get(self._field(protocol.COMMAND, "opcode", asked[0])) == "LOAD" != name:
            asked.pop(0)
        if not asked:
            return
        beat = asked[0]
        body = self._field(protocol.COMMAND, "body", beat)
        if name == "MULTIPLY":
            self._of_product(tile, asked, body, outcome)
            return
        asked.pop(0)
        if name == "WRITE_REGISTER":
            self._of_register(tile, body, outcome)
        elif name == "PULSE":
            count = self._field(protocol.COMMANDS[name][1], "count", body)
            ends = {("OK", 1): "one", ("OK", self._limit[tile]): "limit", ("BAD_VALUE", 0): "none"}
            ends[("BAD_VALUE", self._limit[tile] + 1)] = "beyond"
            if (outcome, count) in ends:
                self.hits[f"PULSE/count/{ends[outcome, count]}"] += 1

    def _of_product(self, tile: int, asked: list[int], body: int, outcome: str) -> None:
        layout = self.protocol.COMMANDS["MULTIPLY"][1]
        outputs = self._field(layout, "outputs", body) or 1024
        self._products[tile] += 1
        if outcome == "OK" and self._products[tile] < outputs:
            return
        asked.pop(0)
        if outcome == "OK":
            for end, count in (("one", 1), ("all", self.protocol.CONTROLLER["columns"])):
                self.hits[f"MULTIPLY/outputs/{end}"] += outputs == count
        self._products[tile] = 0

    def _of_register(self, tile: int, body: int, outcome: str) -> None:
        layout = self.protocol.COMMANDS["WRITE_REGISTER"][1]
        address, value = (self._field(layout, name, body) for name in ("address", "value"))
        if outcome == "OK" and address == self._pulse_limit:
            self._limit[tile] = value
        for name, (where, least, greatest) in self.protocol.BOUNDS.items():
            if where == address:
                if outcome == "OK":
                    self.hits[f"register {name}/least"] += value == least
                    self.hits[f"register {name}/greatest"] += value == greatest
                elif outcome == "BAD_VALUE":
                    self.hits[f"register {name}/beyond"] += value > greatest

    @staticmethod
    def _field(layout: dict[str, Any], name: str, word: int) -> int:
        offset, bits, _ = layout[name]
        return word >> offset & (1 << bits) - 1
