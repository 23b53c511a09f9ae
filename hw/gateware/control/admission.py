"""Checks a command before it starts: logic out of the declaration of the commands."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.commands import COMMANDS, REASONS, RULE_REASONS, CommandSpec
from twinbar.hw.protocol.fields import Field
from twinbar.hw.protocol.layouts import MAX_COLUMNS, PULSE_BITS, TILE_BITS, Command, Faults, Routing
from twinbar.hw.protocol.rules import (
    LEVELS,
    PULSE_LIMIT,
    USES_TABLE,
    Aligned,
    Below,
    Bound,
    GeometryBound,
    Needs,
    NotBoth,
    OneOf,
    Rule,
    Setting,
    Span,
    Within,
)
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

from ..controller_config import ControllerConfig


def exceeds(value, bound: int):
    """Whether a value is greater than a constant; without the carry chain that a comparison would take."""
    if bound >= (1 << len(value)) - 1:
        return Const(0)
    greater = Const(0)
    for place, bit in enumerate(value):
        greater = bit & greater if bound >> place & 1 else bit | greater
    return greater


class Admission(wiring.Component):
    """Checks a command before it starts, in the order that the contract gives. Combinational.

    Parameters
    ----------
    config : ControllerConfig
    commands : mapping of Opcode to CommandSpec
        What is admitted; tests give others.

    Members
    -------
    command : In(Command)
    index : In
        Number of the tile.
    mode, faults, aborting, levels, pulse_limit : In
        TileState of the tile, and the registers that bound arguments.
    uses_table : In(1)
        The flag of `WRITE_TABLE`, where there is a pulse table.
    complete, unfilled : In(1)
        See `TransferMember`, where there are chains.
    admitted : Out(1)
        The command may start. Registers are checked by `RegisterFile`.
    status : Out(Status)
        OK, or the first reason why it may not.
    """

    def __init__(self, config: ControllerConfig, commands: Mapping[Opcode, CommandSpec] = COMMANDS) -> None:
        self.config = config
        self.commands = {opcode: spec for opcode, spec in commands.items() if spec.exists(config)}
        super().__init__(
            {
                "command": In(Command),
                "index": In(TILE_BITS),
                "mode": In(Mode),
                "faults": In(Faults),
                "aborting": In(1),
                "levels": In(9),
                "pulse_limit": In(PULSE_BITS),
                **({"uses_table": In(1)} if config.pulse_entries else {}),
                **({"complete": In(1), "unfilled": In(1)} if config.chain else {}),
                "admitted": Out(1),
                "status": Out(Status),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        known, operates, writes, haltable, faultable, everywhere = (Signal() for _ in range(6))
        bad = {status: Signal(name=f"bad_{status.name.lower()}") for status in RULE_REASONS}
        rules = _Rules(m, self)
        # Outside of the switch, because commands share them.
        broken = {opcode: [rules.broken(spec, rule) for rule in spec.rules] for opcode, spec in self.commands.items()}
        with m.Switch(self.command.opcode):
            for opcode, spec in self.commands.items():
                with m.Case(opcode):
                    m.d.comb += [
                        known.eq(1),
                        operates.eq(spec.needs is not None),
                        writes.eq(spec.needs is Mode.WRITE),
                        haltable.eq(spec.haltable),
                        faultable.eq(spec.refused_while_faulted),
                        everywhere.eq(spec.to_every_tile),
                    ]
                    for status in spec.reasons:
                        found = zip(spec.rules, broken[opcode], strict=True)
                        m.d.comb += bad[status].eq(Cat(signal for rule, signal in found if rule.status is status).any())

        permitted = (self.mode == Mode.WRITE) | (self.mode == Mode.READ) & ~writes
        applies = {
            Status.UNKNOWN_OPCODE: ~known,
            Status.BAD_TILE: self._goes_astray() & ~everywhere,
            Status.ABORTED: self.aborting & haltable,
            Status.FAULTED: self.faults.as_value().any() & faultable,
            Status.DISARMED: operates & ~permitted,
            **bad,
        }
        if self.config.chain:
            applies[Status.INCOMPLETE] = self._lacks()
        m.d.comb += [self.admitted.eq(~Cat(applies.values()).any()), self.status.eq(Status.OK)]
        for status in reversed([reason for reason in REASONS if reason in applies]):
            with m.If(applies[status]):
                m.d.comb += self.status.eq(status)
        return m

    def _goes_astray(self) -> Any:
        """Whether the command is for another tile, or for several that do not exist."""
        other = self.command.tile != self.index
        opcode, body, stray = self.command.opcode, self.command.body, data.View(Routing, self.command.reserved).stray
        if self.config.shared_inputs:
            other = Mux((opcode == Opcode.LOAD) & body.input.shared, stray, other)
        if self.config.cascade:
            other = Mux((opcode == Opcode.MULTIPLY) & (body.product.members > 1), stray, other)
        if self.config.chain:
            other = Mux(opcode == Opcode.TRANSFER, stray, other)
        return other

    def _lacks(self) -> Any:
        """Whether what a transfer sends, or a product multiplies, was not computed to the end."""
        opcode, copy = self.command.opcode, data.View(Routing, self.command.reserved).copy
        sends = (opcode == Opcode.TRANSFER) & ~copy
        return sends & ~self.complete | (opcode == Opcode.MULTIPLY) & self.unfilled


class _Rules:
    """Signals that tell which rules are broken; what several commands check is checked once."""

    def __init__(self, m: Module, admission: Admission) -> None:
        self._m = m
        self._admission = admission
        self._found: dict[tuple[Any, ...], Any] = {}

    def broken(self, spec: CommandSpec, rule: Rule) -> Any:
        """Whether the command breaks a rule."""
        assert spec.arguments is not None
        fields = tuple(spec.arguments[name] for name in rule.arguments)
        key = (rule, *((field.offset, field.bits) for field in fields))
        if key not in self._found:
            signal = Signal(name=f"breaks_{type(rule).__name__.lower()}_{'_'.join(rule.arguments)}")
            self._m.d.comb += signal.eq(self._logic(rule, *(self._value(field) for field in fields)))
            self._found[key] = signal
        return self._found[key]

    def _value(self, field: Field) -> Any:
        return Value.cast(self._admission.command.body)[field.places]

    def _logic(self, rule: Rule, value: Any, *others: Any) -> Any:
        if isinstance(rule, Below):
            return self._halved(rule.bound, others, lambda bound: self._reaches(value, bound))
        if isinstance(rule, Span):
            return self._ends_beyond(rule, value, *others)
        if isinstance(rule, Aligned):
            return (value & (self._bound(rule.unit) - 1)).any()
        if isinstance(rule, Within):
            beyond = 0 if rule.most is None else self._beyond(value, self._bound(rule.most))
            least = rule.least
            return (Const(0) if least == 0 else ~value.any() if least == 1 else value < least) | beyond
        if isinstance(rule, OneOf):
            return ~Cat(value == member.value for member in rule.members).any()
        if isinstance(rule, Needs):
            option, beyond = self._bound(rule.option), exceeds(value, rule.most)
            return (Const(0) if option else beyond) if isinstance(option, int) else beyond & ~option
        assert isinstance(rule, NotBoth)
        return value & others[0]

    def _bound(self, bound: Bound) -> Any:
        """Return a bound: a number that is fixed when the controller is built, or the register's value."""
        if isinstance(bound, Setting):
            admission = self._admission
            uses_table = admission.uses_table if admission.config.pulse_entries else 0
            return {LEVELS: admission.levels, PULSE_LIMIT: admission.pulse_limit, USES_TABLE: uses_table}[bound]
        return getattr(self._admission.config, bound.name) if isinstance(bound, GeometryBound) else bound

    def _beyond(self, value: Any, bound: Any) -> Any:
        return exceeds(value, bound) if isinstance(bound, int) else value > bound

    def _reaches(self, value: Any, bound: Any) -> Any:
        return exceeds(value, bound - 1) if isinstance(bound, int) else value >= bound

    def _halved(self, bound: Bound, flag: tuple[Any, ...], reaches: Any) -> Any:
        whole = self._bound(bound)
        return Mux(flag[0], reaches(whole // 2), reaches(whole)) if flag else reaches(whole)

    def _ends_beyond(self, rule: Span, first: Any, count: Any, *flag: Any) -> Any:
        end = Signal(len(first) + 1)
        self._m.d.comb += end.eq(first + count)
        beyond = self._halved(rule.bound, flag, lambda bound: exceeds(end, bound))
        # A count of 0 is the most that the field can ask for.
        fits = first == 0 if self._bound(rule.bound) == MAX_COLUMNS else Const(0)
        return Mux(count == 0, ~(fits & ~flag[0] if flag else fits), beyond)
