// Schedules blocks: a block is evaluated only in cycles in which something in it can move, or an input has changed.

namespace twinbar {

constexpr int64_t kNever = INT64_MAX;

// Gives a port another value; whether it was another one.
template <size_t Bits>
inline bool change(cxxrtl::value<Bits> &port, const cxxrtl::value<Bits> &value) {
  if (port == value) return false;
  port = value;
  return true;
}
template <size_t Bits>
inline bool change(cxxrtl::value<Bits> &port, uint64_t number) {
  cxxrtl::value<Bits> value;
  value.template set<uint64_t>(number);
  return change(port, value);
}

// Where a port has its value in this cycle.
template <size_t Bits>
inline cxxrtl::value<Bits> *value_of(cxxrtl::value<Bits> &port) {
  return &port;
}
template <size_t Bits>
inline const cxxrtl::value<Bits> *value_of(const cxxrtl::value<Bits> &port) {
  return &port;
}
template <class Wire>
inline auto value_of(Wire &port) -> decltype(&port.curr) {
  return &port.curr;
}

template <class Top>
struct Block {
  Top top;
  int64_t shows = 0;     // the cycle whose registers the block shows
  int64_t wakes = 0;     // the cycle in which it must be evaluated
  bool awake = false;    // it takes part in this cycle
  bool stale = false;    // an input has changed since it was evaluated

  // Takes part in this cycle, which is at most the one in which it must.
  void rouse(int64_t cycle) {
    if (awake) return;
    if (cycle > shows) top.skip(cycle - shows);
    shows = cycle;
    awake = stale = true;
  }
  // An input has changed.
  void touch(int64_t cycle) {
    if (awake && !stale) top.restart();
    rouse(cycle);
    stale = true;
  }
  // Evaluates it if that is needed; whether it was.
  bool evaluate() {
    if (!awake || !stale) return false;
    top.evaluate();
    stale = false;
    return true;
  }
  // Ends the cycle, or sleeps over the next ones too.
  void finish(int64_t cycle, bool skips) {
    if (!awake) return;
    awake = false;
    const int64_t quiet = skips ? top.quiet() : 0;
    if (quiet > 1) {
      wakes = quiet == kNever ? kNever : cycle + quiet;
    } else {
      top.commit();
      shows = wakes = cycle + 1;
    }
  }
  // Stops time before a cycle; the next one is 0.
  void rest(int64_t cycle) {
    if (awake) top.restart();
    else if (cycle > shows) top.skip(cycle - shows);
    shows = wakes = 0;
    awake = stale = false;
  }
};

}  // namespace twinbar
