// A controller that is one block. The generated part before this file declares `twinbar_flat::block`, `Pins`, `bind_flat`
// and `kTiles`.

namespace twinbar {

struct Design {
  Block<twinbar_flat::block> controller;

  void bind(int tile, Pins &pins) { bind_flat(controller.top, tile, pins); }
  // Inputs of a cycle.
  void put(int64_t cycle, bool presented, uint64_t command, bool consumer, bool stop) {
    auto &top = controller.top;
    if (change(top.p_commands____valid, presented) | change(top.p_commands____payload, command) |
        change(top.p_responses____ready, consumer) | change(top.p_stop, stop))
      controller.touch(cycle);
  }
  // Inputs of a tile will change.
  void touch(int, int64_t cycle) { controller.touch(cycle); }
  void evaluate(int64_t cycle) {
    if (controller.wakes <= cycle) controller.rouse(cycle);
    controller.evaluate();
  }
  bool awake(int) const { return controller.awake; }
  bool busy() const { return controller.top.p_busy.get<bool>(); }
  bool command_ready() const { return controller.top.p_commands____ready.get<bool>(); }
  bool response_valid() const { return controller.top.p_responses____valid.get<bool>(); }
  const void *response() const { return controller.top.p_responses____payload.data; }
  void finish(int64_t cycle, bool skips) { controller.finish(cycle, skips); }
  int64_t wakes() const { return controller.wakes; }
  // Stops time before a cycle; the next one is 0.
  void rest(int64_t cycle) { controller.rest(cycle); }
  uint64_t counted(int tile, int action) { return counted_flat(controller.top, tile, action); }
  template <class F>
  void blocks(F f) {
    f("", controller.top);
  }
};

}  // namespace twinbar
