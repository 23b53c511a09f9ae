// The cells behind the pins of a tile, whatever is between: what a pulse is made of, and calls of the compiled functions of
// emulator/crossbar/array.py.

#include <cstdlib>

namespace twinbar {

// The fields are those of the ctypes structure in array_abi.py.
struct Arrays {
  void *record;
  const int32_t *grid;
  uint8_t *inputs;
  void *gate_opens, *gate_closes, *convert_single, *sum_step, *convert_sum;
  int64_t sample_and_hold, least_code, greatest_code, least_pair_code, greatest_pair_code;

  template <class... A>
  int64_t call(void *function, A... a) const {
    return reinterpret_cast<int64_t (*)(void *, A...)>(function)(record, int64_t(a)...);
  }
};

// What the write gate gives a cell.
struct Pulse {
  int64_t cell, polarity, amplitude, gate;  // polarity 1 is RESET; codes

  bool operator==(const Pulse &other) const {
    return cell == other.cell && polarity == other.polarity && amplitude == other.amplitude && gate == other.gate;
  }
  bool operator!=(const Pulse &other) const { return !(*this == other); }
};

// What a step of a multiplication dissipates per cycle, and how many rows it drives.
struct InputStep {
  int64_t heat, driven;
};

class Cells {
 public:
  Cells() = default;
  Cells(const Arrays &arrays, int64_t tile) : arrays_(&arrays), tile_(tile) {}

  const Arrays &arrays() const { return *arrays_; }
  int64_t tile() const { return tile_; }

  // The write gate opens in a cycle, with a code of the current limit.
  void open(int64_t cycle, const Pulse &pulse, int64_t limit) {
    pulse_ = pulse, opened_ = cycle;
    const int64_t trip = arrays_->call(arrays_->gate_opens, tile_, pulse.cell, pulse.polarity, pulse.amplitude, pulse.gate, limit);
    trips_ = trip < 0 ? kNever : cycle + trip;
  }
  // It closes; gives the energy.
  int64_t close(int64_t cycle) {
    trips_ = kNever;
    return arrays_->call(arrays_->gate_closes, tile_, pulse_.cell, pulse_.polarity, pulse_.amplitude, pulse_.gate, cycle - opened_);
  }
  // The pulse that is given, or was given last.
  const Pulse &pulse() const { return pulse_; }
  // Cycle from which its current is at the limit.
  int64_t trips() const { return trips_; }

  // A conversion of one cell, of all of a column (kNoCell), or of the reference.
  int64_t convert_single(int64_t cell, int64_t column, int64_t pair, int64_t channel, int64_t trim, int64_t range) const {
    return arrays_->call(arrays_->convert_single, tile_, cell, column, pair, channel, trim, range);
  }
  // Inputs of the rows of this tile.
  uint8_t *inputs(int64_t rows) const { return arrays_->inputs + tile_ * rows; }
  // Sums up what an input step drives.
  InputStep sum_step(int64_t plane, int64_t pair, int64_t codes) const {
    int64_t driven = 0;
    const int64_t heat = arrays_->call(arrays_->sum_step, tile_, plane, pair, codes, reinterpret_cast<int64_t>(&driven));
    return {heat, driven};
  }
  // A conversion of a sum.
  int64_t convert_sum(int64_t output, int64_t pair, int64_t channel, int64_t trim, int64_t range) const {
    return arrays_->call(arrays_->convert_sum, tile_, output, pair, channel, trim, range);
  }

 private:
  const Arrays *arrays_ = nullptr;
  int64_t tile_ = 0, opened_ = 0, trips_ = kNever;
  Pulse pulse_ = {};
};

}  // namespace twinbar
