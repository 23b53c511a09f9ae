"""C++ between the harness and the netlist: `struct Design`, as `harness.h` describes it."""

import re
from collections.abc import Iterator

from twinbar.emulator.rtl.netlist import Source, mangle, width
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.front_end import FrontEndPins
from twinbar.hw.protocol.responses import Response

_TILE_INPUTS = ("codes", "compliance")


def glue(config: ControllerConfig, sources: dict[str, Source]) -> str:
    """Give the C++ of ``struct Design`` for the modules of `twinbar.emulator.rtl.netlist.modules`."""
    constants = (
        f"static constexpr int kTiles = {config.tiles};\n"
        f"static constexpr int kChannels = {config.adc_channels};\n"
        f"static constexpr int kColumns = {config.columns};\n"
    )
    parts = [_ROLLBACK, *(_rollback_of(source) for source in sources.values())]
    if "flat" in sources:
        parts += [
            _tile_view(config, f"FlatTile{k}", "twinbar_flat", f"tiles__{k}", f"phases__{k}")
            for k in range(config.tiles)
        ]
        parts.append(_flat_design(config, constants))
    else:
        parts.append(_tile_view(config, "UnitTile", "twinbar_unit", "pins", "phase"))
        parts.append(_composed_design(config, constants))
    return "\n".join(parts)


_ROLLBACK = """
template <size_t B> inline void roll_back(cxxrtl::wire<B> &wire) { wire.next = wire.curr; }
template <size_t B> inline void roll_back(cxxrtl::memory<B> &memory) { memory.write_queue.clear(); }
"""


def _rollback_of(source: Source) -> str:
    """Give a function that takes back the next state of a module, so that it can be evaluated again in a cycle.

    A next state that depends on an enable is written only where the enable is high, so that the rest of an evaluation
    with other inputs would stay.
    """
    states = re.findall(r"^\t\tif \((\w+)\.commit\(", source.text, re.MULTILINE)
    states = [name for name in states if name != "changed"]
    lines = "\n".join(f"  roll_back(top.{name});" for name in dict.fromkeys(states))
    return f"inline void roll_back(twinbar_{source.name}::p_top &top) {{\n{lines}\n}}"


def _pins(config: ControllerConfig) -> Iterator[tuple[str, int]]:
    """Give name and width of every pin of a tile that the controller drives."""
    for name, member in FrontEndPins(config).members.items():
        if name not in _TILE_INPUTS:
            yield name, width(member.shape)


def _tile_view(config: ControllerConfig, name: str, namespace: str, prefix: str, phase: str) -> str:
    getters = [f"  uint32_t phase() const {{ return top.{mangle(phase)}.template get<uint32_t>(); }}"]
    for pin, bits in _pins(config):
        # A port of no bits does not exist: its value is 0.
        value = f"top.{mangle(f'{prefix}__{pin}')}.template get<uint32_t>()" if bits else "0"
        getters.append(f"  uint32_t {pin}() const {{ return {value}; }}")
    lines = "\n".join(getters).replace(".template get", ".get")
    return f"struct {name} {{\n  const {namespace}::p_top &top;\n{lines}\n}};"


def _set_codes(config: ControllerConfig, prefix: str, top: str) -> str:
    cases = "\n".join(
        f"      case {channel}: {top}.{mangle(f'{prefix}__codes__{channel}')}.set<uint32_t>(code & mask); break;"
        for channel in range(config.adc_channels)
    )
    return f"    switch (channel) {{\n{cases}\n    }}"


def _counters(tile: str) -> str:
    return f"memory_{mangle(f'{tile}.action_counters.memory')}"


def _flat_design(config: ControllerConfig, constants: str) -> str:
    tiles = range(config.tiles)
    each = "\n".join(f"    f({k}, FlatTile{k}{{top}});" for k in tiles)
    codes = "\n".join(f"    if (tile == {k}) {{\n{_set_codes(config, f'tiles__{k}', 'top')}\n    }}" for k in tiles)
    compliance = "\n".join(
        f"    if (tile == {k}) top.{mangle(f'tiles__{k}__compliance')}.set<bool>(value);" for k in tiles
    )
    counters = "\n".join(
        f"    if (tile == {k}) return top.{_counters(f'tile_{k}')}[number].get<uint64_t>();" for k in tiles
    )
    return f"""
struct Design {{
  {constants}
  twinbar_flat::p_top top;
  void command(uint64_t payload, bool valid) {{
    top.{mangle("commands__payload")}.set<uint64_t>(payload);
    top.{mangle("commands__valid")}.set<bool>(valid);
  }}
  void response_ready(bool ready) {{ top.{mangle("responses__ready")}.set<bool>(ready); }}
  void stop(bool value) {{ top.{mangle("stop")}.set<bool>(value); }}
  bool command_ready() const {{ return top.{mangle("commands__ready")}.get<bool>(); }}
  bool response_valid() const {{ return top.{mangle("responses__valid")}.get<bool>(); }}
  uint64_t response_payload() const {{ return top.{mangle("responses__payload")}.get<uint64_t>(); }}
  void evaluate() {{
    // Every evaluation is a rising edge: the falling one changes nothing.
    top.p_clk.set<bool>(true);
    top.prev_p_clk.set<bool>(false);
    top.eval();
  }}
  void reevaluate() {{
    roll_back(top);
    top.eval();
  }}
  void commit() {{ top.commit(); }}
  template <class F> void each(F f) {{
{each}
  }}
  void codes(int tile, int64_t channel, int64_t code) {{
    constexpr uint32_t mask = (1u << {config.adc_bits}) - 1;
{codes}
  }}
  void compliance(int tile, bool value) {{
{compliance}
  }}
  uint64_t action_counter(int tile, int number) {{
{counters}
    return 0;
  }}
}};
"""


def _composed_design(config: ControllerConfig, constants: str) -> str:
    """Connect the hub and the units: evaluate until no wire between them changes, then commit all.

    Tiles hear from the hub only when a beat or a fault passes, so that in most cycles each module is evaluated once.
    """
    tiles = range(config.tiles)
    to_unit = "\n".join(
        f"""    unit_inputs[{k}] = {{top.{mangle(f"to_tile__{k}__payload")}.get<uint64_t>(),
      top.{mangle(f"to_tile__{k}__valid")}.get<bool>(),
      top.{mangle(f"from_tile__{k}__ready")}.get<bool>(), armed, safe, faults}};"""
        for k in tiles
    )
    to_hub = "\n".join(
        f"""    top.{mangle(f"from_tile__{k}__payload")}.set<uint64_t>(hub_inputs[{k}].payload);
    top.{mangle(f"from_tile__{k}__valid")}.set<bool>(hub_inputs[{k}].valid);
    top.{mangle(f"to_tile__{k}__ready")}.set<bool>(hub_inputs[{k}].ready);"""
        for k in tiles
    )
    return f"""
struct Design {{
  {constants}
  // Where a response names its tile: every unit was made as tile 0.
  static constexpr int kTileShift = {_response_offset("tile")};
  struct UnitInputs {{
    uint64_t payload;
    bool valid, ready, armed, safe;
    uint32_t faults;
    bool operator==(const UnitInputs &o) const {{
      return payload == o.payload && valid == o.valid && ready == o.ready && armed == o.armed && safe == o.safe &&
             faults == o.faults;
    }}
  }};
  struct HubInputs {{
    uint64_t payload;
    bool valid, ready, busy;
    uint32_t raised;
    bool operator==(const HubInputs &o) const {{
      return payload == o.payload && valid == o.valid && ready == o.ready && busy == o.busy && raised == o.raised;
    }}
  }};
  twinbar_hub::p_top top;
  twinbar_unit::p_top units[kTiles];
  UnitInputs unit_inputs[kTiles] = {{}}, unit_seen[kTiles] = {{}};
  HubInputs hub_inputs[kTiles] = {{}};
  bool recoded[kTiles] = {{}};

  void command(uint64_t payload, bool valid) {{
    top.{mangle("commands__payload")}.set<uint64_t>(payload);
    top.{mangle("commands__valid")}.set<bool>(valid);
  }}
  void response_ready(bool ready) {{ top.{mangle("responses__ready")}.set<bool>(ready); }}
  void stop(bool value) {{ top.{mangle("stop")}.set<bool>(value); }}
  bool command_ready() const {{ return top.{mangle("commands__ready")}.get<bool>(); }}
  bool response_valid() const {{ return top.{mangle("responses__valid")}.get<bool>(); }}
  uint64_t response_payload() const {{ return top.{mangle("responses__payload")}.get<uint64_t>(); }}

  // Evaluates a unit with what the hub sent; gives whether the hub has to hear of it.
  bool evaluate_unit(int k) {{
    auto &unit = units[k];
    const UnitInputs &in = unit_seen[k] = unit_inputs[k];
    unit.{mangle("commands__payload")}.set<uint64_t>(in.payload);
    unit.{mangle("commands__valid")}.set<bool>(in.valid);
    unit.{mangle("responses__ready")}.set<bool>(in.ready);
    unit.{mangle("armed")}.set<bool>(in.armed);
    unit.{mangle("safe")}.set<bool>(in.safe);
    unit.{mangle("faults")}.set<uint32_t>(in.faults);
    unit.eval();
    const bool valid = unit.{mangle("responses__valid")}.get<bool>();
    const uint64_t answer = unit.{mangle("responses__payload")}.get<uint64_t>();
    HubInputs out = {{valid ? answer | uint64_t(k) << kTileShift : 0, valid,
                     unit.{mangle("commands__ready")}.get<bool>(), unit.{mangle("busy")}.get<bool>(),
                     unit.{mangle("raise_faults")}.get<uint32_t>()}};
    if (out == hub_inputs[k]) return false;
    hub_inputs[k] = out;
    return true;
  }}
  void evaluate_hub() {{
    uint32_t raised = 0;
    bool busy = false;
    for (const HubInputs &in : hub_inputs) raised |= in.raised, busy |= in.busy;
{to_hub}
    top.{mangle("raised")}.set<uint32_t>(raised);
    top.{mangle("busy")}.set<bool>(busy);
    top.eval();
    const bool armed = top.{mangle("armed")}.get<bool>(), safe = top.{mangle("safe")}.get<bool>();
    const uint32_t faults = top.{mangle("faults")}.get<uint32_t>();
{to_unit}
  }}
  void evaluate() {{
    top.p_clk.set<bool>(true);
    top.prev_p_clk.set<bool>(false);
    for (int k = 0; k < kTiles; k++) {{
      units[k].p_clk.set<bool>(true);
      units[k].prev_p_clk.set<bool>(false);
      evaluate_unit(k);
    }}
    evaluate_hub();
    for (bool again = true; again;) {{
      again = false;
      for (int k = 0; k < kTiles; k++)
        if (!(unit_inputs[k] == unit_seen[k])) {{
          roll_back(units[k]);
          again |= evaluate_unit(k);
        }}
      if (again) {{
        roll_back(top);
        evaluate_hub();
      }}
    }}
  }}
  void reevaluate() {{
    for (int k = 0; k < kTiles; k++)
      if (recoded[k]) {{
        recoded[k] = false;
        roll_back(units[k]);
        units[k].eval();
      }}
  }}
  void commit() {{
    top.commit();
    for (auto &unit : units) unit.commit();
  }}
  template <class F> void each(F f) {{
    for (int k = 0; k < kTiles; k++) f(k, UnitTile{{units[k]}});
  }}
  void codes(int tile, int64_t channel, int64_t code) {{
    constexpr uint32_t mask = (1u << {config.adc_bits}) - 1;
    recoded[tile] = true;
{_set_codes(config, "pins", "units[tile]")}
  }}
  void compliance(int tile, bool value) {{ units[tile].{mangle("pins__compliance")}.set<bool>(value); }}
  uint64_t action_counter(int tile, int number) {{ return units[tile].{_counters("tile")}[number].get<uint64_t>(); }}
}};
"""


def _response_offset(name: str) -> int:
    return int(Response.as_shape()[name].offset)
