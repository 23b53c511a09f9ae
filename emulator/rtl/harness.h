// Runs a controller's netlist cycle by cycle, with the array and the converters behind its pins.
//
// The generated part before this file defines `struct Design`:
//   kTiles, kChannels, kColumns, kGroupChannels   constants of the netlist
//   command(payload, valid), response_ready(ready), stop(value)      inputs of this cycle
//   evaluate()              everything combinational, and the next state
//   reevaluate()            the same again after codes() changed
//   commit()                the rising edge
//   command_ready(), response_valid(), response_payload()            outputs of this cycle
//   each(f)                 calls f(number, tile) for every tile, where tile has the pins as functions
//   codes(tile, channel, code), compliance(tile, value)              inputs from the array
//   action_counter(tile, number)                                     the netlist's own counters
//
// Everything that the array does happens on events of the pins: the per-cycle work is a few comparisons.

#include <cstdint>
#include <cstring>
#include <vector>

namespace twinbar {

constexpr int kPhases = 9;
constexpr int kActions = 14;
constexpr int kEnergies = 4;
enum Energy { kSet = 0, kReset = 1, kVerify = 2, kForward = 3 };
enum Selection { kOpen = 0, kCell = 1, kRows = 2 };
constexpr int kPolarityReset = 1;

// The fields of both structures are those of the ctypes structures in physics_abi.py and program.py.
struct Physics {
  void *g, *pulses, *last_tick, *fault, *conversions;
  int32_t *grid;
  void *spread, *row_sum;
  uint32_t *inputs;
  void *sums, *variances, *mapped, *scalars, *tables;
  int64_t *shape;
  void *pulse, *convert_cell, *sum_columns, *convert_column;

  template <class... A>
  int64_t call(void *function, A... a) const {
    using F = int64_t (*)(void *, void *, void *, void *, void *, void *, void *, void *, void *, void *, void *, void *,
                          void *, void *, void *, A...);
    return reinterpret_cast<F>(function)(g, pulses, last_tick, fault, conversions, grid, spread, row_sum, inputs, sums,
                                         variances, mapped, scalars, tables, shape, a...);
  }
};

enum ShapeField { kTilesField = 0, kRowsField = 1, kColumnsField = 2, kWordsField = 8, kLow = 15, kHigh = 16 };

struct Program {
  const uint64_t *commands;
  int64_t commands_count;
  uint64_t *responses;
  int64_t responses_capacity;
  int64_t *response_cycles;       // cycle in which each response was taken; may be null
  const uint8_t *offered;         // pattern of cycles in which a command is offered, repeated
  int64_t offered_period;
  const uint8_t *taken;           // pattern of cycles in which a response is taken, repeated
  int64_t taken_period;
  const int64_t *injections;      // (cycle, pin, value): pin 0 is stop, 1 + k the compliance input of tile k
  int64_t injections_count;
  int64_t patience;               // cycles after which the program is given up
  int64_t quiet;                  // idle cycles after which the program has ended
  int64_t sample_and_hold;
  int64_t *phases;                // [tiles][kPhases], added to
  int64_t *actions;               // [tiles][kActions], the netlist's counters
  int64_t *energy;                // [tiles][kEnergies], added to
  int64_t *extremes;              // [tiles][3]: least and largest code of forward conversions, clipped ones
  int64_t *driven;                // [tiles][3]: polarity, amplitude and gate code of the last pulse
  int64_t sent, received, cycles; // results
};

enum Outcome {
  kDone = 0,
  kImpatient = 1,
  kTooManyResponses = 2,
  kGateWithReadPath = 3,
  kDriveChanged = 4,
  kConvertWithoutReadPath = 5,
  kGateWithoutCell = 6,
};

// What one tile's array remembers between events.
struct Array {
  int64_t open = 0;  // cycles for which the write gate has been open
  int64_t cell = 0, polarity = 0, amplitude = 0, gate = 0;
  int64_t read = 0;  // cycles for which the read path has been connected
  int64_t read_cell = 0, plane = 0;
  bool rows = false, summed = false, held = false;
  int64_t heat = 0;
};

struct Harness {
  Design design;
  Array arrays[Design::kTiles];
  bool last_stop = false;

  template <class T>
  static int64_t cell_of(const T &tile) {
    return int64_t(tile.row()) * Design::kColumns + tile.column();
  }

  void sum(const Physics &physics, Array &array, int k) {
    array.heat = physics.call(physics.sum_columns, int64_t(k), array.plane);
    array.summed = true;
  }

  // Converts what the selector connects; the codes are at the pins in this very cycle, and stay.
  template <class T>
  int convert(const Physics &physics, const Program &program, int k, const T &tile) {
    Array &array = arrays[k];
    if (!tile.read_enable()) return kConvertWithoutReadPath;
    if (!tile.forward()) {
      const int64_t channel = tile.column() % Design::kChannels;
      design.codes(k, channel, physics.call(physics.convert_cell, int64_t(k), cell_of(tile), channel));
      return kDone;
    }
    if (!array.summed) sum(physics, array, k);
    array.held = true;
    int64_t *extremes = program.extremes + 3 * k;
    const int64_t low = physics.shape[kLow], high = physics.shape[kHigh];
    const int64_t first = int64_t(tile.group()) * Design::kChannels;
    for (int64_t channel = 0, active = tile.active(); channel < active; channel++) {
      const int64_t code = physics.call(physics.convert_column, int64_t(k), first + channel, channel);
      if (code < extremes[0]) extremes[0] = code;
      if (code > extremes[1]) extremes[1] = code;
      extremes[2] += code == high || (code == low && low < 0);
      design.codes(k, channel, code);
    }
    return kDone;
  }

  // Follows the pins of a tile in one cycle.
  template <class T>
  int follow(const Physics &physics, const Program &program, int k, const T &tile) {
    Array &array = arrays[k];
    int64_t *energy = program.energy + kEnergies * k;
    const bool reads = tile.read_enable(), writes = tile.write_gate();
    if (writes) {
      if (reads) return kGateWithReadPath;
      const int64_t cell = cell_of(tile);
      const int64_t polarity = tile.polarity(), amplitude = tile.amplitude(), gate = tile.gate();
      if (array.open == 0) {
        if (tile.selection() != kCell) return kGateWithoutCell;
        array.cell = cell, array.polarity = polarity, array.amplitude = amplitude, array.gate = gate;
        int64_t *driven = program.driven + 3 * k;
        driven[0] = polarity, driven[1] = amplitude, driven[2] = gate;
      } else if (cell != array.cell || polarity != array.polarity || amplitude != array.amplitude || gate != array.gate) {
        return kDriveChanged;
      }
      array.open++;
    } else if (array.open) {
      const int64_t heat = physics.call(physics.pulse, int64_t(k), array.cell, array.polarity, array.amplitude, array.gate,
                                        array.open);
      energy[array.polarity == kPolarityReset ? kReset : kSet] += heat;
      array.open = 0;
    }
    if (reads) {
      if (array.read == 0) {
        array.rows = tile.selection() == kRows;
        array.read_cell = cell_of(tile);
        array.plane = tile.plane();
        array.summed = array.held = false;
      }
      // With a sample-and-hold the rows are driven only until the first conversion begins.
      if (!(array.rows && program.sample_and_hold && (array.held || tile.convert()))) array.read++;
    } else if (array.read) {
      if (array.rows) {
        if (!array.summed) sum(physics, array, k);
        energy[kForward] += array.heat * array.read;
      } else {
        const int64_t cells = physics.shape[kRowsField] * physics.shape[kColumnsField];
        energy[kVerify] += int64_t(physics.grid[k * cells + array.read_cell]) * array.read;
      }
      array.read = 0;
    }
    if (tile.input_load()) {
      const int64_t words = physics.shape[kWordsField];
      uint32_t *inputs = physics.inputs + k * words;
      if (tile.input_clear()) std::memset(inputs, 0, size_t(words) * sizeof(uint32_t));
      inputs[tile.input_index()] = tile.input_data();
    }
    return kDone;
  }

  int run(const Physics &physics, Program &program) {
    int64_t quiet = 0, injection = 0, offer = 0, take = 0;
    int outcome = kDone;
    bool offering = false;
    program.sent = program.received = 0;
    for (program.cycles = 0; quiet < program.quiet; program.cycles++) {
      if (program.cycles >= program.patience) {
        outcome = kImpatient;
        break;
      }
      while (injection < program.injections_count && program.injections[3 * injection] <= program.cycles) {
        const int64_t *pin = program.injections + 3 * injection++;
        if (pin[1] == 0)
          design.stop(pin[2]);
        else
          design.compliance(int(pin[1] - 1), pin[2]);
      }
      // A beat that has been offered stays offered until it is taken.
      if (program.sent < program.commands_count)
        offering = offering || program.offered[offer];
      else
        offering = false;
      if (++offer == program.offered_period) offer = 0;
      const bool ready = program.taken[take];
      if (++take == program.taken_period) take = 0;
      design.command(offering ? program.commands[program.sent] : 0, offering);
      design.response_ready(ready);
      design.evaluate();
      bool busy = program.sent < program.commands_count || injection < program.injections_count, converted = false;
      design.each([&](int k, const auto &tile) {
        const int phase = tile.phase();
        program.phases[kPhases * k + phase]++;
        busy |= phase != 0;
        int found = follow(physics, program, k, tile);
        if (tile.convert()) {
          converted = true;
          if (found == kDone) found = convert(physics, program, k, tile);
        }
        if (found != kDone) outcome = found;
      });
      if (outcome != kDone) break;
      if (converted) design.reevaluate();
      if (offering && design.command_ready()) {
        program.sent++;
        offering = false;
      }
      if (design.response_valid()) {
        busy = true;
        if (ready) {
          if (program.received == program.responses_capacity) {
            outcome = kTooManyResponses;
            break;
          }
          if (program.response_cycles) program.response_cycles[program.received] = program.cycles;
          program.responses[program.received++] = design.response_payload();
        }
      }
      design.commit();
      quiet = busy ? 0 : quiet + 1;
    }
    for (int k = 0; k < Design::kTiles; k++)
      for (int action = 0; action < kActions; action++)
        program.actions[kActions * k + action] = int64_t(design.action_counter(k, action));
    return outcome;
  }
};

}  // namespace twinbar

extern "C" {
void *twinbar_create() { return new twinbar::Harness(); }
void twinbar_destroy(void *harness) { delete static_cast<twinbar::Harness *>(harness); }
int twinbar_run(void *harness, const twinbar::Physics *physics, twinbar::Program *program) {
  return static_cast<twinbar::Harness *>(harness)->run(*physics, *program);
}
}
