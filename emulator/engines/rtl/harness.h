// Runs programs (emulator/contract/program.py) on a controller's netlist. `Design` is that of flat.h or composed.h,
// `TileParts` that of direct_parts.h or serial_parts.h.

#include <cstdio>
#include <memory>
#include <vector>

namespace twinbar {

using Tile = TileArray<Pins, kRows, kColumns, kChannels, kFieldBits>;

// The fields are those of the ctypes structure in simulation.py.
struct Program {
  const uint64_t *commands;
  const int64_t *arrivals;
  int64_t beats;
  const int64_t *ready_runs;   // lengths of runs of cycles in which a response is taken, and is not, in turn; repeated
  int64_t runs;
  const int64_t *pin_changes;  // (cycle, pin, tile, value): pin 0 is stop, 1 the fault of a tile; by cycle
  int64_t changes;
  int64_t pins_rest;           // cycle from which no pulse of a pin is on its way
  int64_t *accepted;
  int64_t *phases, *actions, *energy, *extremes;  // by tile; for the actions the netlist's counters, and what the pins show
  int64_t skips;               // cycles in which only timers move may be skipped
  int64_t cycles, responses;   // results
};

// Writes what `state` gives to words, or reads it from them.
struct ToWords {
  uint32_t *to;
  int64_t &size;

  template <class T>
  void operator()(const T &value) const {
    if (to) std::memcpy(to + size, &value, sizeof value);
    size += (sizeof value + 3) / 4;
  }
  template <class T>
  void operator()(const std::vector<T> &values) const {
    (*this)(values.size());
    for (const T &value : values) (*this)(value);
  }
};
struct FromWords {
  const uint32_t *&from;

  template <class T>
  void operator()(T &value) const {
    std::memcpy(&value, from, sizeof value);
    from += (sizeof value + 3) / 4;
  }
  template <class T>
  void operator()(std::vector<T> &values) const {
    size_t size = 0;
    (*this)(size);
    values.resize(size);
    for (T &value : values) (*this)(value);
  }
};

struct Harness {
  Design design;
  Tile tiles[kTiles];
  std::vector<std::unique_ptr<TileParts>> parts;
  int64_t before = 0;  // cycles of the programs before: the parts' time goes on
  std::vector<uint8_t> responses;
  std::vector<int64_t> response_cycles;
  int64_t cycle = 0, sent = 0, pin = 0, run = 0, run_ends = 0;
  bool stop = false;
#ifdef TWINBAR_TRACE
  Trace trace;
#endif

  Harness(const TileTables *tables, const Arrays &arrays) {
    for (int k = 0; k < kTiles; k++) {
      design.bind(k, tiles[k].pins);
      tiles[k].cells = Cells(arrays, k);
      parts.push_back(std::make_unique<TileParts>(tables, k));
      parts[k]->bind(tiles[k].pins);
    }
  }
  void start(const Program &program) {
    cycle = sent = pin = run = 0;
    run_ends = program.ready_runs[0];
    responses.clear();
    response_cycles.clear();
    for (Tile &tile : tiles) tile.start();
    skip_empty_runs(program);
  }
  // Runs some cycles that are evaluated; a program is unfinished until it has ended.
  TileOutcome go_on(Program &program, int64_t evaluations) {
    while (evaluations-- > 0) {
      const bool presents = sent < program.beats && program.arrivals[sent] <= cycle;
      const bool ready = run % 2 == 0;
      move_pins(program);
      design.put(cycle, presents, presents ? program.commands[sent] : 0, ready, stop);
      for (int k = 0; k < kTiles; k++)
        if (tiles[k].rises() <= cycle) design.touch(k, cycle);
      design.evaluate(cycle);
      for (int k = 0; k < kTiles; k++) {
        if (!design.awake(k)) continue;
        bool changed = false;
        const TileOutcome outcome = tiles[k].see(cycle, changed);
        if (outcome != TileOutcome::kDone) return outcome;
        if (changed) design.touch(k, cycle);
      }
      design.evaluate(cycle);
      if (sent == program.beats && cycle >= program.pins_rest && !design.busy()) {
        end(program);
        return TileOutcome::kDone;
      }
      if (!see_parts()) return TileOutcome::kPartsComplain;
      const bool accepts = presents && design.command_ready();
      if (accepts) program.accepted[sent++] = cycle;
      if (ready && design.response_valid()) take_response();
      for (int k = 0; k < kTiles; k++)
        if (design.awake(k)) tiles[k].count_phase(cycle);
#ifdef TWINBAR_TRACE
      trace.sample(design, cycle);
#endif
      design.finish(cycle, program.skips);
      cycle = next(program, accepts, presents);
      while (run_ends <= cycle) {
        run = run + 1 == program.runs ? 0 : run + 1;
        run_ends += program.ready_runs[run];
      }
    }
    return TileOutcome::kUnfinished;
  }

  // Gives the first complaint of the parts.
  bool complaint(void *to) const {
    return std::any_of(parts.begin(), parts.end(), [&](const auto &found) { return found->complaint(to); });
  }

 private:
  // Lets the parts see a cycle; whether they have nothing to complain about.
  bool see_parts() {
    for (int k = 0; k < kTiles; k++)
      if (parts[k]->see(tiles[k].pins, before + cycle, design.awake(k))) design.touch(k, cycle);
    design.evaluate(cycle);
    return !complaint(nullptr);
  }
  void skip_empty_runs(const Program &program) {
    while (run_ends <= cycle) run_ends += program.ready_runs[++run];
  }
  void move_pins(const Program &program) {
    for (; pin < program.changes && program.pin_changes[4 * pin] <= cycle; pin++) {
      const int64_t *change = program.pin_changes + 4 * pin;
      if (change[1] == 0) {
        stop = change[3];
      } else {
        design.touch(int(change[2]), cycle);
        tiles[change[2]].pins.fault->template set<bool>(change[3]);
      }
    }
  }
  void take_response() {
    const auto *bytes = static_cast<const uint8_t *>(design.response());
    responses.insert(responses.end(), bytes, bytes + kResponseBytes);
    response_cycles.push_back(cycle);
  }
  // The next cycle in which an input can change, or a block has to be evaluated.
  int64_t next(const Program &program, bool accepts, bool presents) const {
    if (accepts) return cycle + 1;
    int64_t first = design.wakes();
    if (!presents && sent < program.beats) first = std::min(first, program.arrivals[sent]);
    if (program.runs > 1) first = std::min(first, run_ends);
    if (pin < program.changes) first = std::min(first, program.pin_changes[4 * pin]);
    if (cycle < program.pins_rest) first = std::min(first, program.pins_rest);
    for (const Tile &tile : tiles) first = std::min(first, tile.rises());
    for (const auto &each : parts)
      if (each->wakes(before + cycle) != kNever) first = cycle + 1;
    return first;
  }
  void end(Program &program) {
    program.cycles = cycle;
    program.responses = int64_t(response_cycles.size());
    design.rest(cycle);
    before += cycle;
#ifdef TWINBAR_TRACE
    trace.end(cycle);
#endif
    for (int k = 0; k < kTiles; k++) {
      Counts &counts = tiles[k].counts;
      tiles[k].finish(cycle);
      std::copy(counts.phases, counts.phases + Phase::kCount, program.phases + Phase::kCount * k);
      std::copy(counts.energy, counts.energy + CellEnergy::kCount, program.energy + CellEnergy::kCount * k);
      std::copy(counts.extremes, counts.extremes + 3, program.extremes + 3 * k);
      for (int action = 0; action < Action::kCount; action++)
        program.actions[Action::kCount * k + action] = int64_t(design.counted(k, action));
      int64_t *actions = program.actions + Action::kCount * k;
      actions[Action::kRowDrive] = counts.row_drive;
      actions[Action::kChannelCycle] = counts.channel_cycles;
      actions[Action::kChannelWake] = counts.channel_wakes;
    }
  }
};

}  // namespace twinbar

extern "C" {
// Null if what CXXRTL stores is not what the netlist says.
void *twinbar_create(const twinbar::TileTables *tables, const twinbar::Arrays *arrays) {
  auto harness = std::make_unique<twinbar::Harness>(tables, *arrays);
  bool whole = true;
  harness->design.blocks([&](const auto &, auto &top) { whole &= top.whole(); });
  return whole ? harness.release() : nullptr;
}
void twinbar_destroy(void *harness) { delete static_cast<twinbar::Harness *>(harness); }
void twinbar_start(void *harness, const twinbar::Program *program) {
  static_cast<twinbar::Harness *>(harness)->start(*program);
}
int twinbar_go_on(void *harness, twinbar::Program *program, int64_t evaluations) {
  return int(static_cast<twinbar::Harness *>(harness)->go_on(*program, evaluations));
}
int64_t twinbar_cycle(void *harness) { return static_cast<twinbar::Harness *>(harness)->cycle; }
// What was wrong at the pins of parts, as a complaint of device.h; whether anything was.
int twinbar_complaint(void *harness, void *complaint) {
  return static_cast<twinbar::Harness *>(harness)->complaint(complaint);
}
// What was answered since the start.
void twinbar_responses(void *harness, uint8_t *responses, int64_t *cycles) {
  auto &run = *static_cast<twinbar::Harness *>(harness);
  std::copy(run.responses.begin(), run.responses.end(), responses);
  std::copy(run.response_cycles.begin(), run.response_cycles.end(), cycles);
}
// Registers, memories, inputs and parts between programs: gives how many words they are, and copies them.
int64_t twinbar_save(void *harness, uint32_t *to) {
  int64_t size = 0;
  auto &run = *static_cast<twinbar::Harness *>(harness);
  run.design.blocks([&](const auto &, auto &top) {
    top.state([&](const uint32_t *words, size_t count) {
      if (to) std::copy(words, words + count, to + size);
      size += int64_t(count);
    });
  });
  const twinbar::ToWords put{to, size};
  put(run.before);
  for (auto &each : run.parts) each->state(put);
  return size;
}
void twinbar_load(void *harness, const uint32_t *from) {
  auto &run = *static_cast<twinbar::Harness *>(harness);
  run.design.blocks([&](const auto &, auto &top) {
    top.state([&](uint32_t *words, size_t count) {
      std::copy(from, from + count, words);
      from += count;
    });
    top.restart();
  });
  const twinbar::FromWords take{from};
  take(run.before);
  for (auto &each : run.parts) each->state(take);
}
// What the write drive of each tile holds between programs: record, bit line, source line and word line.
void twinbar_driven(void *harness, int64_t *driven) {
  auto &run = *static_cast<twinbar::Harness *>(harness);
  run.design.blocks([](const auto &, auto &top) {
    top.evaluate();
    top.restart();
  });
  for (const twinbar::Tile &tile : run.tiles) {
    const uint64_t codes = tile.pins.codes->template get<uint64_t>();
    *driven++ = tile.pins.record->template get<uint32_t>();
    for (int line = 0; line < 3; line++) *driven++ = int64_t(codes >> (twinbar::kLineBits * line) & twinbar::kLineMask);
  }
}
// Which registers, memories and inputs those are.
uint64_t twinbar_layout(void *harness) {
  uint64_t layout = 0;
  static_cast<twinbar::Harness *>(harness)->design.blocks(
      [&](const auto &, auto &top) { layout = 31 * layout + top.layout; });
  return layout;
}
#ifdef TWINBAR_TRACE
int twinbar_trace(void *harness, const char *path, int64_t half_period_ps) {
  auto &run = *static_cast<twinbar::Harness *>(harness);
  return path ? run.trace.open(run.design, path, half_period_ps) : run.trace.close();
}
#endif
}
