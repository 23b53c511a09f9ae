// A controller of one hub and a unit for every tile. The generated part before this file declares `twinbar_unit::block`,
// `twinbar_hub::block`, `Pins`, `bind_unit`, `bind_hub`, `Link` and `kTiles`.
//
// In a cycle all blocks are evaluated until no wire between them changes, then all of them commit. What a unit is sent
// counts only while it is valid, so that most units sleep while beats for others pass.

#include <string>

namespace twinbar {

struct Design {
  struct Unit {
    Block<twinbar_unit::block> block;
    Link link;  // the hub's ports for this unit
  };
  Block<twinbar_hub::block> hub;
  Unit units[kTiles];

  Design() {
    for (int k = 0; k < kTiles; k++) {
      bind_hub(hub.top, k, units[k].link);
      units[k].block.top.p_index.set<uint32_t>(k);
    }
  }
  void bind(int tile, Pins &pins) { bind_unit(units[tile].block.top, tile, pins); }
  void put(int64_t cycle, bool presented, uint64_t command, bool consumer, bool stop) {
    auto &top = hub.top;
    if (change(top.p_commands____valid, presented) | change(top.p_commands____payload, command) |
        change(top.p_responses____ready, consumer) | change(top.p_stop, stop))
      hub.touch(cycle);
  }
  void touch(int tile, int64_t cycle) { units[tile].block.touch(cycle); }
  void evaluate(int64_t cycle) {
    if (hub.wakes <= cycle) hub.rouse(cycle);
    for (Unit &unit : units)
      if (unit.block.wakes <= cycle) unit.block.rouse(cycle);
    for (bool again = true; again;) {
      for (Unit &unit : units)
        if (unit.block.evaluate()) tell_hub(unit, cycle);
      again = hub.evaluate();
      if (again)
        for (Unit &unit : units) tell_unit(unit, cycle);
    }
  }
  bool awake(int tile) const { return units[tile].block.awake; }
  bool busy() const {
    bool works = hub.top.p_commands____valid.get<bool>() || hub.top.p_queued.get<bool>();
    for (const Unit &unit : units) works |= unit.block.top.p_works.get<bool>();
    return works;
  }
  bool command_ready() const { return hub.top.p_commands____ready.get<bool>(); }
  bool response_valid() const { return hub.top.p_responses____valid.get<bool>(); }
  const void *response() const { return hub.top.p_responses____payload.data; }
  void finish(int64_t cycle, bool skips) {
    hub.finish(cycle, skips);
    for (Unit &unit : units) unit.block.finish(cycle, skips);
  }
  int64_t wakes() const {
    int64_t first = hub.wakes;
    for (const Unit &unit : units) first = std::min(first, unit.block.wakes);
    return first;
  }
  void rest(int64_t cycle) {
    hub.rest(cycle);
    for (Unit &unit : units) unit.block.rest(cycle);
  }
  uint64_t counted(int tile, int action) { return counted_unit(units[tile].block.top, tile, action); }
  template <class F>
  void blocks(F f) {
    f("hub ", hub.top);
    for (int k = 0; k < kTiles; k++) f("unit_" + std::to_string(k) + " ", units[k].block.top);
  }

 private:
  void tell_hub(Unit &unit, int64_t cycle) {
    const auto &top = unit.block.top;
    bool changed = change(*unit.link.room, top.p_commands____ready) | change(*unit.link.offers, top.p_responses____valid);
    if (unit.link.offers->get<bool>()) changed |= change(*unit.link.answer, top.p_responses____payload);
    if (changed) hub.touch(cycle);
  }
  void tell_unit(Unit &unit, int64_t cycle) {
    const auto &top = hub.top;
    auto &in = unit.block.top;
    const int k = int(&unit - units);
    const uint64_t taken = unit.link.taken->get<bool>() && unit.link.offers->get<bool>();
    bool changed = change(in.p_commands____valid, *unit.link.sent) | change(in.p_responses____ready, taken) |
                   change(in.p_accepted, top.p_accepted) | change(in.p_safe, top.p_safe) |
                   change(in.p_stop, top.p_stopped) | change(in.p_abort, uint64_t(top.p_abort.data[k / 32] >> (k % 32) & 1));
    if (unit.link.sent->get<bool>()) changed |= change(in.p_commands____payload, *unit.link.command);
    if (changed) unit.block.touch(cycle);
  }
};

}  // namespace twinbar
