// Writes waveforms of traced blocks.

#include <cxxrtl/cxxrtl_vcd.h>

#include <cstdio>

namespace twinbar {

class Trace {
  std::FILE *file = nullptr;
  std::unique_ptr<cxxrtl::vcd_writer> writer;
  cxxrtl::debug_items items;
  uint64_t half_period = 0, before = 0;  // cycles of the programs before
  bool failed = false;

  void flush() {
    failed |= std::fwrite(writer->buffer.data(), 1, writer->buffer.size(), file) != writer->buffer.size();
    writer->buffer.clear();
  }

 public:
  ~Trace() { close(); }
  // Gives whether the file could be made.
  template <class D>
  int open(D &design, const char *path, int64_t half_period_ps) {
    close();
    file = std::fopen(path, "w");
    if (!file) return 0;
    failed = false;
    half_period = uint64_t(half_period_ps);
    before = 0;
    writer = std::make_unique<cxxrtl::vcd_writer>();
    items = cxxrtl::debug_items();
    design.blocks([&](const std::string &scope, auto &top) { top.debug_info(&items, nullptr, "controller " + scope); });
    writer->timescale(1, "ps");
    writer->add_without_memories(items);
    return 1;
  }
  // A cycle begins with the rising edge.
  template <class D>
  void sample(D &design, int64_t cycle) {
    if (!file) return;
    for (const bool high : {true, false}) {
      design.blocks([&](const auto &, auto &top) { top.p_clk.template set<bool>(high); });
      writer->sample((2 * (before + uint64_t(cycle)) + !high) * half_period);
    }
    flush();
  }
  // A program has ended; the next one goes on from there.
  void end(int64_t cycles) { before += uint64_t(cycles); }
  // Gives whether everything was written.
  int close() {
    if (!file) return 1;
    failed |= std::fclose(file) != 0;
    file = nullptr;
    writer.reset();
    return !failed;
  }
};

}  // namespace twinbar
