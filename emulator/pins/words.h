// Stands in for a serialiser where words are not sent bit by bit: takes and gives them in the very cycles in which the
// SPI transceiver of hw/gateware/front_end/spi_transceiver.py does.

namespace twinbar {

// What listens at a bus.
struct WordListener {
  virtual ~WordListener() = default;
  virtual void begin_frame(int chip, double time) = 0;
  virtual void word(int chip, uint32_t bits, int count) = 0;
  virtual void end_frame(int chip, double time) = 0;
  virtual uint32_t received(int lane) = 0;
};

struct WordBus {
  const BusCycles &cycles;
  WordListener &listener;
  int64_t free = 0;                                       // cycle from which a word is taken
  int64_t begins = kNever, ends = kNever, answers = kNever;  // cycles in which something is to be told
  bool in_frame = false;
  int chip = 0;

  WordBus(const BusCycles &cycles, WordListener &listener) : cycles(cycles), listener(listener) {}
  // What happens at the start of a cycle.
  void drive(int64_t cycle, double period) {
    if (cycle >= begins) begins = kNever, listener.begin_frame(chip, double(cycle) * period);
    if (cycle >= ends) ends = kNever, listener.end_frame(chip, double(cycle) * period);
  }
  bool ready(int64_t cycle) const { return cycle >= free; }
  bool answers_in(int64_t cycle) const { return cycle == answers; }
  // A word is taken in a cycle: the first bit is the highest of `bits`.
  void take(int64_t cycle, uint32_t bits, int count, int chip_, bool last) {
    const int64_t setup = in_frame ? 0 : cycles.setup;
    if (!in_frame) begins = cycle + 1, chip = chip_;
    const int64_t sent = cycle + setup + count * cycles.bit;
    listener.word(chip, bits >> (32 - count), count);
    answers = sent - cycles.second + cycles.sample_delay + 1;
    if (last) ends = sent + cycles.hold + 1;
    free = last ? sent + cycles.hold + cycles.high : sent;
    in_frame = !last;
  }
  void reset(int64_t cycle) {
    free = cycle + 1, begins = ends = answers = kNever;
    in_frame = false;
  }
  int64_t wakes(int64_t cycle) const {
    int64_t first = std::min({begins, ends, answers > cycle ? answers : kNever});
    if (answers == cycle) first = std::min(first, cycle + 1);
    if (free > cycle) first = std::min(first, free);
    return first;
  }
};

}  // namespace twinbar
