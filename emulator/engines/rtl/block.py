"""C++ of a netlist's blocks, made of what CXXRTL generates.

A *block* is a class with this interface (``blocks.h`` schedules it):

``evaluate()``
    Everything combinational, and the next state.
``commit()``, ``restart()``
    The rising edge; or forget the evaluation, because inputs have changed.
``quiet()``
    After an evaluation: how many cycles the block may go on at once (`twinbar.emulator.engines.rtl.timers`), 0 if
    nothing is known.
``skip(cycles)``
    Goes on by as many cycles, at most those that ``quiet`` gave.
``state(f)``, ``layout``
    Calls ``f(words, count)`` for registers, memories and inputs, in the order of their names; a number that stands for
    those names.
``whole()``
    Whether CXXRTL stores just what the netlist says.

What CXXRTL generates is compiled as it is, with the narrow values of ``narrow.h``. The *traced* form otherwise uses
CXXRTL's own library, and evaluates every cycle. In the *packed* form, the types that the generated code is written with
(``wire``, ``memory``, ``module``) are those of ``packed.h``: the present values of all registers lie together, and so
do the next ones. Committing them is then a copy instead of a comparison and a branch for each register.
"""

import re
from collections.abc import Iterable
from typing import Final

from twinbar.emulator.engines.rtl.rtlil import Bit
from twinbar.emulator.engines.rtl.storage import Storage
from twinbar.emulator.engines.rtl.timers import RESET, Bound, Select, Timer, TimerComparison

_MEMORY_BYTES: Final = 128
"""More than the object of a memory has; its words lie elsewhere."""
_SPARE_BYTES: Final = 1024
"""For signals that CXXRTL keeps beside registers and ports."""


def traced(name: str, text: str, storage: Storage) -> str:
    """Return the block of a module for waveforms.

    Parameters
    ----------
    name : str
        The namespace is ``twinbar_{name}``.
    text : str
        What CXXRTL generated.
    storage : Storage
    """
    registers, memories = _names(storage.registers), _memories(storage)
    again = [f"{register}.next = {register}.curr;" for register in registers]
    again += [f"{memory}.write_queue.clear();" for memory in memories]
    return f"""namespace twinbar_{name} {{
using memory_index = twinbar::memory_index;
}}
{text}
namespace twinbar_{name} {{
struct block : p_top {{
  static constexpr uint64_t layout = {storage.layout};
  bool whole() const {{ return true; }}
  void evaluate() {{
    // Every evaluation is a rising edge.
    p_clk.set<bool>(true);
    prev_p_clk.set<bool>(false);
    eval();
  }}
  void restart() {{
    {_lines(again)}
  }}
  int64_t quiet() {{ return 0; }}
  void skip(int64_t) {{}}
{_state(storage)}
}};
}}
"""


def packed(name: str, text: str, storage: Storage, timers: list[Timer], signals: dict[tuple[Bit, ...], str]) -> str:
    """Return the fast block of a module.

    Parameters
    ----------
    name, text, storage
        As in `traced`.
    timers : list of Timer
    signals : dict of tuple of Bit to str
        Outputs that show what the timers are compared with and selected by.
    """
    # One that was split into parts afterwards is no timer any more.
    timers = [timer for timer in timers if timer.register in storage.registers]
    counting = {timer.register for timer in timers}
    distance = _distance(storage)
    return f"""namespace {{
namespace twinbar_{name} {{
template <size_t Bits> using wire = twinbar::packed_wire<Bits, {distance}>;
template <size_t Width> using memory = twinbar::packed_memory<Width>;
using module = twinbar::packed_module<{distance}>;
using observer = twinbar::committer;
using memory_index = twinbar::memory_index;
}}
// Functions that nothing calls by a table, and nobody else: the compiler makes one of them that knows of the edge.
#define override
{text}
#undef override
namespace twinbar_{name} {{
constexpr auto registers = twinbar::runs_of(std::array{_places(storage, set())});
static_assert(twinbar::fits<module, p_top, {distance}>(registers), "CXXRTL lays out registers in another way");
constexpr auto registers_but_timers = twinbar::runs_of(std::array{_places(storage, counting)});
struct block : p_top {{
  static constexpr uint64_t layout = {storage.layout};
  bool moves[{max(len(timers), 1)}];

  block() {{
    p_top::commit(census);
    restart();
  }}
  bool whole() const {{
    return census.registers == {len(storage.registers)} && census.memories == {storage.written};
  }}
  [[gnu::flatten]] void evaluate() {{
    // Every evaluation is a rising edge.
    p_clk.set<bool>(true);
    prev_p_clk.set<bool>(false);
    p_top::eval(nullptr);
  }}
  void commit() {{
    if (writes) write(true);
    twinbar::take_following<registers, {distance}>(static_cast<p_top *>(this));
  }}
  void restart() {{
    if (writes) write(false);
    twinbar::set_following<registers, {distance}>(static_cast<p_top *>(this));
  }}
  int64_t quiet() {{
    if (writes || !twinbar::keeps<registers_but_timers, {distance}>(static_cast<p_top *>(this))) return 0;
    int64_t cycles = INT64_MAX;
    {_lines([_quiet(number, timer, signals) for number, timer in enumerate(timers)])}
    return cycles;
  }}
  void skip(int64_t cycles) {{
    {_lines([_skip(number, timer) for number, timer in enumerate(timers)])}
    restart();
  }}
{_state(storage)}

 private:
  bool writes = false;  // a memory will be written
  twinbar::census census{{&writes}};

  void write(bool happens) {{
    twinbar::committer committer{{happens}};
    p_top::commit(committer);
    writes = false;
  }}
}};
}}
}}
"""


def _places(storage: Storage, without: set[str]) -> str:
    """Return C++ of where registers lie."""
    names = _names(name for name in storage.registers if name not in without)
    places = "".join(f"TWINBAR_PLACE(p_top, {name}), " for name in names)
    return f"<twinbar::place, {len(names)}>{{{{{places}}}}}"


def _distance(storage: Storage) -> int:
    """Return bytes that the registers and all that may lie between them surely fit in."""
    widths = [*storage.registers.values(), *storage.inputs.values(), *storage.outputs.values()]
    size = sum(4 * -(-width // 32) for width in widths) + _MEMORY_BYTES * len(storage.memories) + _SPARE_BYTES
    return -(-size // 64) * 64


def _state(storage: Storage) -> str:
    """Return the member ``state``."""
    lines = [f"f({name}.curr.data, {name}.curr.chunks);" for name in _names(storage.registers)]
    lines += [
        f"for (size_t i = 0; i < {name}.depth; i++) f({name}.data[i].data, {name}.data[i].chunks);"
        for name in _memories(storage)
    ]
    lines += [f"f({name}.data, {name}.chunks);" for name in _names(storage.inputs)]
    return f"""  template <class F> void state(F f) {{
    {_lines(lines)}
  }}"""


def _names(wires: Iterable[str]) -> list[str]:
    return sorted(_mangled(wire) for wire in wires)


def _memories(storage: Storage) -> list[str]:
    return sorted(memory_name(memory) for memory in storage.memories)


def _quiet(number: int, timer: Timer, signals: dict[tuple[Bit, ...], str]) -> str:
    """Return C++ that bounds ``cycles`` by what a timer does."""
    register = _mangled(timer.register)
    ways = [" && ".join(_selected(select, signals) for select in path) or "true" for path in timer.paths]
    path = " || ".join(f"({way})" for way in ways)
    lines = [f"if ((moves[{number}] = {path})) {{", f"  const uint64_t now = {register}.curr.get<uint64_t>();"]
    lines += [f"  if ({_taken(guard, signals)}) return 0;" for guard in timer.guards]
    for watch in timer.watches:
        used = "true" if watch.uses is None else " || ".join(_taken(use, signals) for use in watch.uses) or "false"
        lines.append(f"  if ({used}) cycles = std::min(cycles, {_until(watch, timer, signals)});")
    return _lines([*lines, f"}} else if ({register}.curr != {register}.next.val()) {{", "  return 0;", "}"])


def _until(watch: TimerComparison, timer: Timer, signals: dict[tuple[Bit, ...], str]) -> str:
    """Return C++ of the cycles until the result of a watch can change."""
    value = f"now + {watch.offset}" if watch.offset > 0 else f"now - {-watch.offset}" if watch.offset else "now"
    if watch.bound is Bound.UPPER:
        return f"twinbar::until_carry<{timer.step}, {watch.low}>({value})"
    if all(isinstance(bit, str) for bit in watch.target):
        target = f"{int(''.join(reversed([str(bit) for bit in watch.target])), 2)}u"
    else:
        target = f"{mangle(signals[watch.target])}.get<uint64_t>()"
    function = "until_equal" if watch.bound is Bound.EQUAL else "until_passed"
    return f"twinbar::{function}<{timer.step}, {watch.bits}>({value}, {target})"


def _selected(select: Select, signals: dict[tuple[Bit, ...], str]) -> str:
    """Return C++ of whether a multiplexer selects an input; of several select bits that are set the lowest counts."""
    bits = _value(select, signals)
    if select.position < 0:
        return f"{bits} == 0"
    return f"({bits} & {(2 << select.position) - 1}u) == {1 << select.position}u"


def _taken(select: Select, signals: dict[tuple[Bit, ...], str]) -> str:
    """Return C++ of whether a multiplexer may select an input."""
    bits = _value(select, signals)
    return f"{bits} == 0" if select.position < 0 else f"({bits} >> {select.position} & 1)"


def _value(select: Select, signals: dict[tuple[Bit, ...], str]) -> str:
    return "0u" if select.select == RESET else f"{mangle(signals[select.select])}.get<uint64_t>()"


def _skip(number: int, timer: Timer) -> str:
    register, mask = _mangled(timer.register), (1 << timer.width) - 1
    change = f"{register}.curr.get<uint64_t>() {'+' if timer.step > 0 else '-'} uint64_t(cycles)"
    return f"if (moves[{number}]) {register}.curr.set<uint64_t>(({change}) & {mask}u);"


def _lines(lines: list[str], indent: int = 4) -> str:
    return ("\n" + " " * indent).join(lines)


def _mangled(wire: str) -> str:
    return mangle(wire.removeprefix("\\"))


def memory_name(memory: str) -> str:
    """Return the C++ name that CXXRTL gives to a memory with a name in RTLIL."""
    return f"memory_{_mangled(memory)}"


def mangle(name: str) -> str:
    """Return the C++ name that CXXRTL gives to a wire: letters and digits stay, other characters are spelled out."""
    return "p_" + "".join("__" if c == "_" else c if re.match("[A-Za-z0-9]", c) else f"_{ord(c):x}_" for c in name)
