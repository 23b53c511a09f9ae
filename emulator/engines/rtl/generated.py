"""The C++ that CXXRTL generates, made into the blocks that the harness runs.

A *block* is a module with this interface (``blocks.h`` schedules it):

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

The *packed* form keeps the present state of all registers together, and the next one. Committing them is then one copy
instead of a comparison and a branch for each register, and a clock that rises in every evaluation is known to the
compiler. The *traced* form is what CXXRTL generates, with the names of all signals; it evaluates every cycle.
"""

import hashlib
import re
from dataclasses import dataclass

from twinbar.emulator.engines.rtl.errors import BuildError
from twinbar.emulator.engines.rtl.rtlil import Bit
from twinbar.emulator.engines.rtl.timers import RESET, Bound, Select, Timer, Watch


@dataclass(frozen=True)
class Generated:
    """What CXXRTL generated for a module.

    Parameters
    ----------
    name : str
        The namespace is ``twinbar_{name}``.
    text : str
    registers, inputs, outputs : dict of str to int
        C++ names and widths; an output that is a register is among both.
    memories : dict of str to tuple of int
        C++ names, widths and depths.
    """

    name: str
    text: str
    registers: dict[str, int]
    inputs: dict[str, int]
    outputs: dict[str, int]
    memories: dict[str, tuple[int, int]]

    @property
    def layout(self) -> str:
        """C++ number of what ``state`` gives."""
        content = repr([sorted(found.items()) for found in (self.registers, self.memories, self.inputs)])
        return f"0x{hashlib.sha256(content.encode()).hexdigest()[:16]}u"


def read(name: str, text: str) -> Generated:
    """Read the declarations of a generated module."""

    def declared(pattern: str) -> dict[str, int]:
        return {found[2]: int(found[1]) for found in re.finditer(pattern, text, re.MULTILINE)}

    memories = re.findall(r"^\tmemory<(\d+)> (\w+) \{ (\d+)u \};", text, re.MULTILINE)
    inputs = declared(r"^\t/\*input\*/ value<(\d+)> (\w+);")
    return Generated(
        name,
        text,
        declared(r"^\t(?:/\*output\*/ )?wire<(\d+)> (\w+);"),
        {name: width for name, width in inputs.items() if name not in ("p_clk", "p_rst")},
        declared(r"^\t/\*output\*/ (?:value|wire)<(\d+)> (\w+);"),
        {memory: (int(width), int(depth)) for width, memory, depth in memories},
    )


def traced(source: Generated) -> str:
    """Give the block of a module for waveforms."""
    names = sorted(source.registers)
    state = [f"f({name}.curr.data, {name}.curr.chunks);" for name in names]
    state += [f"for (size_t i = 0; i < {name}.depth; i++) f({name}.data[i].data, {name}.data[i].chunks);"
              for name in sorted(source.memories)]  # fmt: skip
    state += [f"f({name}.data, {name}.chunks);" for name in sorted(source.inputs)]
    again = [f"{name}.next = {name}.curr;" for name in names]
    again += [f"{name}.write_queue.clear();" for name in source.memories]
    return f"""{source.text}
namespace twinbar_{source.name} {{
struct block : p_top {{
  static constexpr uint64_t layout = {source.layout};
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
  template <class F> void state(F f) {{
    {_lines(state)}
  }}
}};
}}
"""


def packed(source: Generated, timers: list[Timer], signals: dict[tuple[Bit, ...], str]) -> str:
    """Give the fast block of a module.

    Parameters
    ----------
    source : Generated
    timers : list of Timer
    signals : dict of tuple of Bit to str
        Outputs that show what the timers are compared with and selected by.
    """
    counting = {_mangled(timer.register): timer for timer in timers}
    order = [name for name in sorted(source.registers) if name not in counting]
    order += [name for name in sorted(source.registers) if name in counting]
    timers = [counting[name] for name in order if name in counting]
    fields = [f"value<{source.registers[name]}> {name};" for name in order]
    values = [
        f"value<{width}> {name};" for name, width in (source.inputs | source.outputs).items() if name not in order
    ]
    values += [
        f"const value<{width}> &{name} = curr.{name};" for name, width in source.outputs.items() if name in order
    ]
    memories = [f"store<{width}, {depth}> {name};" for name, (width, depth) in source.memories.items()]
    state = [f"f(curr.{name}.data, curr.{name}.chunks);" for name in sorted(source.registers)]
    state += [f"for (auto &word : {name}.data) f(word.data, word.chunks);" for name in sorted(source.memories)]
    state += [f"f({name}.data, {name}.chunks);" for name in sorted(source.inputs)]
    rest = f"offsetof(registers, {_mangled(timers[0].register)})" if timers else "sizeof(registers)"
    return f"""namespace twinbar_{source.name} {{
using namespace cxxrtl_yosys;
using twinbar::store;
struct registers {{
  {_lines(fields, 2)}
}};
struct block {{
  registers curr, next;
  {_lines(values, 2)}
  {_lines(memories, 2)}
  bool writes = false;  // a memory will be written
  bool moves[{max(len(timers), 1)}];
  static constexpr value<1> p_rst{{0u}};
  static constexpr uint64_t layout = {source.layout};

  block() {{ reset(); }}
  void reset();
  void evaluate();
  void commit() {{
    if (writes) {{
      {_lines([f"{name}.commit();" for name in source.memories], 6)}
      writes = false;
    }}
    curr = next;
  }}
  void restart() {{
    if (writes) {{
      {_lines([f"{name}.pending = false;" for name in source.memories], 6)}
      writes = false;
    }}
    next = curr;
  }}
  int64_t quiet() {{
    constexpr size_t rest = {rest};
    if (writes || !twinbar::equal_words<rest>(&curr, &next)) return 0;
    int64_t cycles = INT64_MAX;
    {_lines([_quiet(number, timer, signals) for number, timer in enumerate(timers)])}
    return cycles;
  }}
  void skip(int64_t cycles) {{
    {_lines([_skip(number, timer) for number, timer in enumerate(timers)])}
    restart();
  }}
  template <class F> void state(F f) {{
    {_lines(state)}
  }}
}};
{_functions(source)}
}}
"""


def _functions(source: Generated) -> str:
    """Give ``reset`` and ``evaluate``, on registers that lie together."""
    pattern = r"^void p_top::reset\(\) \{\n(.*?)^\}$.*?^bool p_top::eval\(.*?\{\n(.*?)^\}$"
    match = re.search(pattern, source.text, re.M | re.S)
    if match is None:
        raise BuildError(f"Yosys wrote C++ for the netlist {source.name} that this version of Twinbar cannot read")
    reset, evaluate = match[1], match[2]
    kept = [line for line in reset.splitlines() if not re.match(r"\t(prev_)?p_(clk|rst)\b", line)]
    reset = re.sub(r"^\t(\w+) = wire<(\d+)>\{", r"\tcurr.\1 = value<\2>{", "\n".join(kept), flags=re.M)
    evaluate = re.sub(r"^\s*//.*\n", "", evaluate, flags=re.M)
    evaluate = evaluate.replace("\tbool converged = true;\n", "").replace("\treturn converged;\n", "")
    evaluate = re.sub(r"bool posedge_p_clk = .*?;", "constexpr bool posedge_p_clk = true;", evaluate)
    evaluate = re.sub(r"\b(\w+)\.(curr|next)\b", r"\2.\1", evaluate)
    evaluate = re.sub(_MEMORY_WRITE, _write, evaluate, flags=re.M)
    writers = re.findall(r"(memory_\w+)\.put\(", evaluate)
    if ".update(" in evaluate or len(writers) != len(set(writers)):
        raise BuildError(f"a memory of the netlist {source.name} is written in a way that the rtl engine does not know")
    return f"void block::reset() {{\n{reset}\n\tnext = curr;\n}}\nvoid block::evaluate() {{\n{evaluate}}}\n"


_MEMORY_WRITE = r"""^\tif \(posedge_p_clk\) \{
\t\tauto (?P<place>\w+) = (?P<index>.*);
\t\tCXXRTL_ASSERT\(.*
\t\tif \((?P=place)\.valid\) \{
\t\t\t(?P<memory>memory_\w+)\.update\((?P<arguments>.*)\);
\t\t\}
\t\}$"""


def _write(match: re.Match[str]) -> str:
    """Let a memory write only where it is enabled: CXXRTL queues a write, masked, in every cycle."""
    _, data, mask, _priority = _arguments(match["arguments"])
    repeated = re.fullmatch(r"([\w.]+)\.repeat<\d+>\(\)\.val\(\)", mask)
    enabled = repeated[1] if repeated else f"!({mask}).is_zero()"
    place = match["place"]
    return f"""\tif (__builtin_expect(bool({enabled}), 0)) {{
\t\tauto {place} = {match["index"]};
\t\tif ({place}.valid) {match["memory"]}.put({place}.index, {data}, {mask}), writes = true;
\t}}"""


def _arguments(text: str) -> list[str]:
    """Split C++ arguments at the commas outside of all brackets (the generated code compares with functions, not <)."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "(<{[") - (character in ")>}]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _quiet(number: int, timer: Timer, signals: dict[tuple[Bit, ...], str]) -> str:
    """Give C++ that bounds ``cycles`` by what a timer does."""
    register = _mangled(timer.register)
    ways = [" && ".join(_selected(select, signals) for select in path) or "true" for path in timer.paths]
    path = " || ".join(f"({way})" for way in ways)
    lines = [f"if ((moves[{number}] = {path})) {{", f"  const uint64_t now = curr.{register}.get<uint64_t>();"]
    lines += [f"  if ({_taken(guard, signals)}) return 0;" for guard in timer.guards]
    for watch in timer.watches:
        used = "true" if watch.uses is None else " || ".join(_taken(use, signals) for use in watch.uses) or "false"
        lines.append(f"  if ({used}) cycles = std::min(cycles, {_until(watch, timer, signals)});")
    return _lines([*lines, f"}} else if (curr.{register} != next.{register}) {{", "  return 0;", "}"])


def _until(watch: Watch, timer: Timer, signals: dict[tuple[Bit, ...], str]) -> str:
    """Give C++ of the cycles until the result of a watch can change."""
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
    """Give C++ of whether a multiplexer selects an input; of several select bits that are set the lowest counts."""
    bits = _value(select, signals)
    if select.position < 0:
        return f"{bits} == 0"
    return f"({bits} & {(2 << select.position) - 1}u) == {1 << select.position}u"


def _taken(select: Select, signals: dict[tuple[Bit, ...], str]) -> str:
    """Give C++ of whether a multiplexer may select an input."""
    bits = _value(select, signals)
    return f"{bits} == 0" if select.position < 0 else f"({bits} >> {select.position} & 1)"


def _value(select: Select, signals: dict[tuple[Bit, ...], str]) -> str:
    return "0u" if select.select == RESET else f"{mangle(signals[select.select])}.get<uint64_t>()"


def _skip(number: int, timer: Timer) -> str:
    register, mask = _mangled(timer.register), (1 << timer.width) - 1
    change = f"curr.{register}.get<uint64_t>() {'+' if timer.step > 0 else '-'} uint64_t(cycles)"
    return f"if (moves[{number}]) curr.{register}.set<uint64_t>(({change}) & {mask}u);"


def _lines(lines: list[str], indent: int = 4) -> str:
    return ("\n" + " " * indent).join(lines)


def _mangled(wire: str) -> str:
    return mangle(wire.removeprefix("\\"))


def mangle(name: str) -> str:
    """Give the C++ name that CXXRTL gives to a wire: letters and digits stay, other characters are spelled out."""
    return "p_" + "".join("__" if c == "_" else c if re.match("[A-Za-z0-9]", c) else f"_{ord(c):x}_" for c in name)
