"""Rules on the streams of a core: docs/controller.md, "Conventions", "Commands" and "Counters"."""

from collections import deque
from typing import Any, NamedTuple

from .watched_rule import WatchedRule

EARLIEST_ANSWER = 6
"""Cycles from the one in which a beat is accepted to the first in which it can be answered: it is popped in the second,
runs from the third on, takes a cycle to decide and one to respond, and its beat is behind a queue two cycles later."""
LEAST_BITS_OF_ECHO = 20


class StableStream(WatchedRule):
    """What is offered stays offered, and the same, until it is taken.

    Parameters
    ----------
    valid, ready, payload, reset : str
        Names of ports.
    level : int
        Of the reset while it is active.
    """

    def __init__(self, valid: str, ready: str, payload: str, reset: str = "rst", level: int = 1) -> None:
        super().__init__()
        self._names = valid, ready, payload
        self._reset, self._level = reset, level
        self._offered: int | None = None

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        valid, ready, payload = self._names
        if pins[self._reset] == self._level:
            self._offered = None
            return
        if not pins[valid]:
            if self._offered is not None:
                self.broken(cycle, f"{valid} was withdrawn before the beat was taken")
            self._offered = None
            return
        beat = pins[payload]
        if self._offered not in (None, beat):
            self.broken(cycle, f"{payload} changed from {self._offered:#x} to {beat:#x} before it was taken")
        self._offered = None if pins[ready] else beat


class AwaitedAnswer(NamedTuple):
    """A command that is under way.

    Parameters
    ----------
    opcode, echo, outputs, accepted : int
        ``outputs`` are those that are still to come.
    """

    opcode: int
    echo: int
    outputs: int
    accepted: int


class AnsweredInOrder(WatchedRule):
    """Every command of a tile is answered as often as it should be, in order, with its echo, and not too early.

    For cores without cascades, shared inputs, chains and packed outputs.

    Parameters
    ----------
    protocol : module
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self._numbers = {name: each[0] for name, each in protocol.COMMANDS.items()}
        self._under_way: list[deque[AwaitedAnswer]] = [deque() for _ in range(protocol.CONTROLLER["tiles"])]

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if pins["rst"]:
            for waiting in self._under_way:
                waiting.clear()
            return
        if pins["responses__valid"] and pins["responses__ready"]:
            self._answer(cycle, pins["responses__payload"])
        if pins["commands__valid"] and pins["commands__ready"]:
            self._accept(cycle, pins["commands__payload"])

    def _field(self, layout: dict[str, Any], name: str, word: int) -> int:
        offset, bits, _ = layout[name]
        return word >> offset & (1 << bits) - 1

    def _accept(self, cycle: int, beat: int) -> None:
        protocol = self.protocol
        opcode, tile, body = (self._field(protocol.COMMAND, name, beat) for name in ("opcode", "tile", "body"))
        echo = body & (1 << LEAST_BITS_OF_ECHO) - 1
        outputs = 1
        if opcode == self._numbers["MULTIPLY"]:
            outputs = self._field(protocol.COMMANDS["MULTIPLY"][1], "outputs", body) or 1024
        tiles = [tile if tile < len(self._under_way) else 0]
        if opcode == self._numbers["SAFE"]:
            tiles = list(range(len(self._under_way)))
        for each in tiles:
            self._under_way[each].append(AwaitedAnswer(opcode, echo, outputs, cycle))

    def _answer(self, cycle: int, beat: int) -> None:
        protocol = self.protocol
        names = ("opcode", "tile", "status", "body")
        opcode, tile, status, body = (self._field(protocol.RESPONSE, name, beat) for name in names)
        if tile >= len(self._under_way):
            return self.broken(cycle, f"a response of tile {tile}, which there is not")
        waiting = self._under_way[tile]
        silent = self._numbers["LOAD"]
        while waiting and waiting[0].opcode == silent and opcode != silent:
            waiting.popleft()  # it was accepted, and is not answered
        if opcode == silent:
            while waiting and waiting[0].opcode == silent and waiting[0].echo != body & (1 << LEAST_BITS_OF_ECHO) - 1:
                waiting.popleft()
        if not waiting:
            return self.broken(cycle, f"a response of tile {tile} to no command")
        asked = waiting.popleft()
        if opcode != asked.opcode:
            return self.broken(cycle, f"tile {tile} answers opcode {opcode}, and {asked.opcode} is next")
        if cycle - asked.accepted < EARLIEST_ANSWER:
            self.broken(cycle, f"tile {tile} answers {cycle - asked.accepted} cycles after it was asked")
        echo = body & (1 << LEAST_BITS_OF_ECHO) - 1
        if opcode == self._numbers["MULTIPLY"]:
            low = 1 << 10  # the column field is the output that the beat belongs to
            if echo % low != asked.echo % low or echo // low < asked.echo // low:
                self.broken(cycle, f"tile {tile} repeats {echo:#x} of a product, and {asked.echo:#x} was asked")
            if protocol.STATUSES[status] == "OK" and asked.outputs > 1:
                waiting.appendleft(asked._replace(outputs=asked.outputs - 1))
        elif echo != asked.echo:
            self.broken(cycle, f"tile {tile} repeats {echo:#x}, and {asked.echo:#x} was asked")
        return None

    def end(self, cycle: int) -> None:
        """Look at what is still to come."""
        for tile, waiting in enumerate(self._under_way):
            missing = [each for each in waiting if each.opcode != self._numbers["LOAD"]]
            if missing:
                self.broken(cycle, f"tile {tile} has not answered {len(missing)} commands, opcode {missing[0].opcode}")


class BusyTellsTheTruth(WatchedRule):
    """`busy` is high while a command is presented, a response is offered or a tile works.

    Parameters
    ----------
    protocol : module
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self._tiles = protocol.CONTROLLER["tiles"]
        self._idle = next(number for number, name in protocol.PHASES.items() if name == "IDLE")

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if pins["rst"] or pins["busy"]:
            return
        if pins["commands__valid"]:
            self.broken(cycle, "busy is low while a command is presented")
        if pins["responses__valid"]:
            self.broken(cycle, "busy is low while a response waits")
        for tile in range(self._tiles):
            if pins[f"phases__{tile}"] != self._idle:
                self.broken(cycle, f"busy is low while tile {tile} works")
