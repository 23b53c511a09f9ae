// The array right at the direct pins of a tile: does what docs/programs.md says on events of the pins.

#include <cstring>

namespace twinbar {

// What a program's result counts of a tile.
struct Counts {
  int64_t phases[Phase::kCount];
  int64_t row_drive;
  int64_t channel_cycles, channel_wakes;  // cycles for which ADC channels were on, and how often one was switched on
  int64_t energy[CellEnergy::kCount];
  int64_t extremes[3];  // least and greatest raw code of forward conversions, and how many were extreme
  int64_t forward;      // forward conversions
};

// `Pins` is generated: pointers to the ports of one tile.
template <class Pins, int Rows, int Columns, int Channels, int FieldBits>
struct TileArray {
  Pins pins;
  Cells cells;
  Counts counts = {};
  bool drives = false;      // an input step drives the rows, or selects them
  bool converted = false;   // a conversion of the input step was accepted
  bool open = false;        // the write gate
  bool limited = false;     // the compliance pin
  int64_t heat = 0;         // of the input step, per cycle
  int kind = CellEnergy::kForward;      // energy that is dissipated now
  int64_t rate = 0;         // per cycle
  int64_t rated = 0;        // cycle up to which it is counted
  uint64_t channels = 0;    // ADC channels that are on
  int64_t switched = 0;     // cycle up to which they are counted
  int phase = Phase::kIdle;
  int64_t phased = 0;       // cycle up to which the phases are counted

  // A program begins.
  void start() {
    counts = {};
    rated = phased = switched = 0;
    rate = 0;
  }
  // Cycle in which the compliance pin rises.
  int64_t rises() const { return limited ? kNever : cells.trips(); }

  // Sees the pins in a cycle in which the tile is evaluated; gives how that ended, and whether inputs of the tile changed.
  TileOutcome see(int64_t cycle, bool &changed) {
    if (pins.row_load->template get<bool>()) load();
    const int selection = pins.selection->template get<uint32_t>();
    const bool rows = selection == Selection::kPlane || selection == Selection::kCodes;
    const bool selects = rows && int(pins.phase->template get<uint32_t>()) == Phase::kSelect;
    if (selects && !drives) begin_step(selection);
    drives = selects;
    const bool reads = pins.read_enable->template get<bool>(), writes = pins.write_gate->template get<bool>();
    if (pins.convert->template get<bool>()) {
      if (!reads) return TileOutcome::kConvertWithoutReadPath;
      changed |= rows ? convert_sums() : put_code(only_channel(), code_of_one(selection));
    }
    if constexpr (kCompares) {
      if (pins.compare->template get<bool>()) {
        if (!reads) return TileOutcome::kConvertWithoutReadPath;
        changed |= compare_one(selection);
      }
    }
    if (reads || rate) rate_heat(cycle, reads, rows, selection);
    if (reads || channels) switch_channels(cycle, reads ? pins.channels->template get<uint64_t>() : 0);
    if (writes || open) {
      if (writes && reads) return TileOutcome::kGateWithReadPath;
      const TileOutcome outcome = see_gate(cycle, writes, selection, changed);
      if (outcome != TileOutcome::kDone) return outcome;
    }
    return TileOutcome::kDone;
  }
  // Counts the phase of a cycle, and of those before it that were skipped.
  void count_phase(int64_t cycle) {
    counts.phases[phase] += cycle - phased;
    phase = int(pins.phase->template get<uint32_t>());
    phased = cycle;
  }
  // A program ends before this cycle.
  void finish(int64_t cycle) {
    counts.phases[phase] += cycle - phased;
    counts.energy[kind] += rate * (cycle - rated);
    switch_channels(cycle, 0);
  }

 private:
  int64_t selected_cell() const {
    return int64_t(pins.row->template get<uint32_t>()) * Columns + pins.column->template get<uint32_t>();
  }
  void load() {
    uint8_t *inputs = cells.inputs(Rows);
    if (pins.row_clear->template get<bool>()) std::memset(inputs, 0, Rows);
    constexpr int per_word = 32 / FieldBits;
    const int first = int(pins.row_word->template get<uint32_t>()) * per_word;
    const uint32_t bits = pins.row_bits->template get<uint32_t>();
    for (int place = 0; place < per_word && first + place < Rows; place++)
      inputs[first + place] = uint8_t(bits >> (place * FieldBits) & ((1u << FieldBits) - 1));
  }
  void begin_step(int selection) {
    const InputStep step = cells.sum_step(pins.plane->template get<uint32_t>(), pins.subtract->template get<bool>(),
                                          selection == Selection::kCodes);
    heat = step.heat;
    counts.row_drive += step.driven;
    converted = false;
  }
  bool put_code(int channel, int64_t code) {
    auto old = *pins.code[channel];
    pins.code[channel]->template set<uint32_t>(uint32_t(code) & ((1u << pins.code[channel]->bits) - 1));
    return old != *pins.code[channel];
  }
  int only_channel() const { return __builtin_ctzll(pins.channels->template get<uint64_t>()); }
  // A comparison is a conversion in its place, of which one bit is told.
  bool compare_one(int selection) {
    const bool over = code_of_one(selection) >= int64_t(pins.threshold->template get<uint32_t>());
    auto *pin = pins.over[only_channel()];
    const bool changed = pin->template get<bool>() != over;
    pin->template set<bool>(over);
    return changed;
  }
  int64_t code_of_one(int selection) {
    const int channel = only_channel();
    const int64_t cell = selection == Selection::kCell        ? selected_cell()
                         : selection == Selection::kReference ? kReferenceSource
                                                   : kNoCell;
    return cells.convert_single(cell, pins.column->template get<uint32_t>(), pins.subtract->template get<bool>(),
                                channel, pins.trim[channel]->template get<uint32_t>(),
                                pins.range->template get<uint32_t>());
  }
  bool convert_sums() {
    bool changed = false;
    converted = true;
    const Arrays &arrays = cells.arrays();
    const bool pair = pins.subtract->template get<bool>();
    const int64_t first = pins.column->template get<uint32_t>(), range = pins.range->template get<uint32_t>();
    const int64_t least = pair ? arrays.least_pair_code : arrays.least_code;
    const int64_t greatest = pair ? arrays.greatest_pair_code : arrays.greatest_code;
    for (uint64_t active = pins.channels->template get<uint64_t>(); active; active &= active - 1) {
      const int channel = __builtin_ctzll(active);
      const int64_t code = cells.convert_sum(first + channel, pair, channel,
                                             pins.trim[channel]->template get<uint32_t>(), range);
      int64_t *extremes = counts.extremes;
      extremes[0] = counts.forward ? std::min(extremes[0], code) : code;
      extremes[1] = counts.forward ? std::max(extremes[1], code) : code;
      extremes[2] += code == least || code == greatest;
      counts.forward++;
      changed |= put_code(channel, code);
    }
    return changed;
  }
  // ADC channels that are on from this cycle on.
  void switch_channels(int64_t cycle, uint64_t now) {
    if (now == channels) return;
    counts.channel_cycles += __builtin_popcountll(channels) * (cycle - switched);
    counts.channel_wakes += __builtin_popcountll(now & ~channels);
    channels = now, switched = cycle;
  }
  // Heat of what is read from this cycle on.
  void rate_heat(int64_t cycle, bool reads, bool rows, int selection) {
    const Arrays &arrays = cells.arrays();
    int64_t now = 0;
    if (reads && rows && !(arrays.sample_and_hold && converted)) now = heat;
    if (reads && selection == Selection::kCell) now = arrays.grid[cells.tile() * Rows * Columns + selected_cell()];
    const int what = rows ? CellEnergy::kForward : CellEnergy::kVerify;
    if (now == rate && what == kind) return;
    counts.energy[kind] += rate * (cycle - rated);
    kind = what, rate = now, rated = cycle;
  }
  TileOutcome see_gate(int64_t cycle, bool writes, int selection, bool &changed) {
    if (writes) {
      const Pulse now = shown_pulse();
      if (!open) {
        if (selection != Selection::kCell) return TileOutcome::kGateWithoutCell;
        open = true;
        cells.open(cycle, now, pins.compliance_code->template get<uint32_t>());
      } else if (now != cells.pulse()) {
        return TileOutcome::kDriveChanged;
      }
    } else {
      counts.energy[cells.pulse().polarity ? CellEnergy::kReset : CellEnergy::kSet] += cells.close(cycle);
      open = false;
    }
    const bool limit = open && cycle >= cells.trips();
    if (limit != limited) {
      limited = limit, changed = true;
      pins.compliance->template set<bool>(limit);
    }
    return TileOutcome::kDone;
  }
  Pulse shown_pulse() const {
    const uint64_t codes = pins.codes->template get<uint64_t>();
    const int64_t bit_line = codes & kLineMask, source_line = codes >> kLineBits & kLineMask;
    const bool resets = pins.record->template get<uint32_t>() == Record::kReset;
    const int64_t across = std::max<int64_t>(resets ? source_line - bit_line : bit_line - source_line, 0);
    return {selected_cell(), resets, across, int64_t(codes >> 2 * kLineBits & kLineMask)};
  }
};

}  // namespace twinbar
