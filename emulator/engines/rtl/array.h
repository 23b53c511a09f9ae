// The array behind the pins of a tile: calls the compiled functions of emulator/crossbar/array.py on events of the pins, as
// docs/programs.md says.

#include <cstring>

namespace twinbar {

enum Energy { kSet = 0, kReset = 1, kVerify = 2, kForward = 3, kEnergies = 4 };
enum Selection { kNothing = 0, kCell = 1, kColumn = 2, kPlane = 3, kCodes = 4, kReference = 5 };
enum Record { kRecordReset = 2 };
enum Phase { kIdle = 0, kSelect = 2, kPhases = 9 };
constexpr int kActions = 14, kInputStep = 9, kRowDrive = 8;
constexpr int64_t kNoCell = -1, kReferenceSource = -2;

// The fields are those of the ctypes structure in array_abi.py.
struct Arrays {
  void *record;
  const int32_t *grid;
  uint8_t *inputs;
  void *gate_opens, *gate_closes, *convert_single, *sum_step, *convert_sum;
  int64_t sample_and_hold, least_code, greatest_code, least_pair_code, greatest_pair_code;

  template <class... A>
  int64_t call(void *function, A... a) const {
    return reinterpret_cast<int64_t (*)(void *, A...)>(function)(record, a...);
  }
};

enum Outcome {
  kDone = 0,
  kUnfinished = 1,
  kGateWithReadPath = 2,
  kDriveChanged = 3,
  kConvertWithoutReadPath = 4,
  kGateWithoutCell = 5,
  kPartsComplain = 6,
};

// What a program's result counts of a tile.
struct Counts {
  int64_t phases[kPhases];
  int64_t row_drive;
  int64_t energy[kEnergies];
  int64_t extremes[3];  // least and greatest raw code of forward conversions, and how many were extreme
  int64_t forward;      // forward conversions
};

// `Pins` is generated: pointers to the ports of one tile.
template <class Pins, int Rows, int Columns, int Channels, int FieldBits>
struct TileArray {
  Pins pins;
  int64_t tile = 0;
  Counts counts = {};
  bool drives = false;      // an input step drives the rows, or selects them
  bool converted = false;   // a conversion of the input step was accepted
  bool open = false;        // the write gate
  int64_t cell = 0, polarity = 0, amplitude = 0, gate = 0, opened = 0;
  int64_t trips = kNever;   // cycle from which the current of the pulse is at its limit
  bool limited = false;     // the compliance pin
  int64_t heat = 0;         // of the input step, per cycle
  int kind = kForward;      // energy that is dissipated now
  int64_t rate = 0;         // per cycle
  int64_t rated = 0;        // cycle up to which it is counted
  int phase = kIdle;
  int64_t phased = 0;       // cycle up to which the phases are counted

  // A program begins.
  void start() {
    counts = {};
    rated = phased = 0;
    rate = 0;
  }
  // Cycle in which the compliance pin rises.
  int64_t rises() const { return limited ? kNever : trips; }

  // Sees the pins in a cycle in which the tile is evaluated; gives an outcome, and whether inputs of the tile changed.
  int see(const Arrays &arrays, int64_t cycle, bool &changed) {
    if (pins.row_load->template get<bool>()) load(arrays);
    const int selection = pins.selection->template get<uint32_t>();
    const bool rows = selection == kPlane || selection == kCodes;
    const bool selects = rows && int(pins.phase->template get<uint32_t>()) == kSelect;
    if (selects && !drives) begin_step(arrays, selection);
    drives = selects;
    const bool reads = pins.read_enable->template get<bool>(), writes = pins.write_gate->template get<bool>();
    if (pins.convert->template get<bool>()) {
      if (!reads) return kConvertWithoutReadPath;
      changed |= rows ? convert_sums(arrays) : convert_one(arrays, selection);
    }
    if (reads || rate) rate_heat(arrays, cycle, reads, rows, selection);
    if (writes || open) {
      if (writes && reads) return kGateWithReadPath;
      const int outcome = see_gate(arrays, cycle, writes, selection, changed);
      if (outcome != kDone) return outcome;
    }
    return kDone;
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
  }

 private:
  int64_t selected_cell() const {
    return int64_t(pins.row->template get<uint32_t>()) * Columns + pins.column->template get<uint32_t>();
  }
  void load(const Arrays &arrays) {
    uint8_t *inputs = arrays.inputs + tile * Rows;
    if (pins.row_clear->template get<bool>()) std::memset(inputs, 0, Rows);
    constexpr int per_word = 32 / FieldBits;
    const int first = int(pins.row_word->template get<uint32_t>()) * per_word;
    const uint32_t bits = pins.row_bits->template get<uint32_t>();
    for (int place = 0; place < per_word && first + place < Rows; place++)
      inputs[first + place] = uint8_t(bits >> (place * FieldBits) & ((1u << FieldBits) - 1));
  }
  void begin_step(const Arrays &arrays, int selection) {
    int64_t driven = 0;
    heat = arrays.call(arrays.sum_step, tile, int64_t(pins.plane->template get<uint32_t>()),
                       int64_t(pins.subtract->template get<bool>()), int64_t(selection == kCodes),
                       reinterpret_cast<int64_t>(&driven));
    counts.row_drive += driven;
    converted = false;
  }
  bool put_code(int channel, int64_t code) {
    auto old = *pins.code[channel];
    pins.code[channel]->template set<uint32_t>(uint32_t(code) & ((1u << pins.code[channel]->bits) - 1));
    return old != *pins.code[channel];
  }
  bool convert_one(const Arrays &arrays, int selection) {
    const uint64_t active = pins.channels->template get<uint64_t>();
    const int channel = __builtin_ctzll(active);
    const int64_t cell = selection == kCell        ? selected_cell()
                         : selection == kReference ? kReferenceSource
                                                   : kNoCell;
    return put_code(channel, arrays.call(arrays.convert_single, tile, cell, int64_t(pins.column->template get<uint32_t>()),
                                         int64_t(pins.subtract->template get<bool>()), int64_t(channel),
                                         int64_t(pins.trim[channel]->template get<uint32_t>()),
                                         int64_t(pins.range->template get<uint32_t>())));
  }
  bool convert_sums(const Arrays &arrays) {
    bool changed = false;
    converted = true;
    const bool pair = pins.subtract->template get<bool>();
    const int64_t first = pins.column->template get<uint32_t>(), range = pins.range->template get<uint32_t>();
    const int64_t least = pair ? arrays.least_pair_code : arrays.least_code;
    const int64_t greatest = pair ? arrays.greatest_pair_code : arrays.greatest_code;
    for (uint64_t active = pins.channels->template get<uint64_t>(); active; active &= active - 1) {
      const int channel = __builtin_ctzll(active);
      const int64_t code = arrays.call(arrays.convert_sum, tile, first + channel, int64_t(pair), int64_t(channel),
                                       int64_t(pins.trim[channel]->template get<uint32_t>()), range);
      int64_t *extremes = counts.extremes;
      extremes[0] = counts.forward ? std::min(extremes[0], code) : code;
      extremes[1] = counts.forward ? std::max(extremes[1], code) : code;
      extremes[2] += code == least || code == greatest;
      counts.forward++;
      changed |= put_code(channel, code);
    }
    return changed;
  }
  // Heat of what is read from this cycle on.
  void rate_heat(const Arrays &arrays, int64_t cycle, bool reads, bool rows, int selection) {
    const int64_t cells = int64_t(Rows) * Columns;
    int64_t now = 0;
    if (reads && rows && !(arrays.sample_and_hold && converted)) now = heat;
    if (reads && selection == kCell) now = arrays.grid[tile * cells + selected_cell()];
    const int what = rows ? kForward : kVerify;
    if (now == rate && what == kind) return;
    counts.energy[kind] += rate * (cycle - rated);
    kind = what, rate = now, rated = cycle;
  }
  int see_gate(const Arrays &arrays, int64_t cycle, bool writes, int selection, bool &changed) {
    if (writes) {
      const uint64_t codes = pins.codes->template get<uint64_t>();
      const int64_t bit_line = codes & 0xFFF, source_line = codes >> 12 & 0xFFF, word_line = codes >> 24 & 0xFFF;
      const bool resets = pins.record->template get<uint32_t>() == kRecordReset;
      const int64_t across = std::max<int64_t>(resets ? source_line - bit_line : bit_line - source_line, 0);
      const int64_t here = selected_cell();
      if (!open) {
        if (selection != kCell) return kGateWithoutCell;
        open = true, opened = cycle, cell = here, polarity = resets, amplitude = across, gate = word_line;
        const int64_t trip = arrays.call(arrays.gate_opens, tile, cell, polarity, amplitude, gate,
                                         int64_t(pins.compliance_code->template get<uint32_t>()));
        trips = trip < 0 ? kNever : cycle + trip;
      } else if (here != cell || polarity != resets || amplitude != across || gate != word_line) {
        return kDriveChanged;
      }
    } else {
      const int64_t pulse = arrays.call(arrays.gate_closes, tile, cell, polarity, amplitude, gate, cycle - opened);
      counts.energy[polarity ? kReset : kSet] += pulse;
      open = false, trips = kNever;
    }
    const bool limit = open && cycle >= trips;
    if (limit != limited) {
      limited = limit, changed = true;
      pins.compliance->template set<bool>(limit);
    }
    return kDone;
  }
};

}  // namespace twinbar
