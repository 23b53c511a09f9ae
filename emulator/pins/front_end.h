// The parts of a tile's serial front end at the pins of its three buses.

#include <memory>
#include <vector>

namespace twinbar {

// Where the pins of a bus are: addresses of their words.
struct BusPins {
  const uint32_t *clock, *data, *select_n;
  uint32_t *inputs;
};

class FrontEndParts {
 public:
  // `source` is what the ADCs sample.
  FrontEndParts(const TileTables &tables, Complaints &complaints, int64_t tile, AdcSource &source)
      : row_chain(tables.switches, complaints, tile, kRowDevice, tables.matrix.row_switches),
        column_chain(tables.switches, complaints, tile, kColumnDevice, tables.matrix.column_switches),
        i2c_(tables.dac.limits, tables.addresses, complaints, tile, kFirstDac), tables_(tables),
        registers_(size_t(tables.input_registers), 0) {
    for (int64_t chip = 0; chip < tables.dacs; chip++)
      dacs.push_back(std::make_unique<Dac>(tables.dac, complaints, tile, kFirstDac + chip));
    for (int64_t lane = 0; lane < tables.lanes; lane++)
      adcs.push_back(std::make_unique<Adc>(tables.adc, complaints, tile, kFirstAdc + lane, source, lane));
    for (auto &dac : dacs) dacs_.push_back(dac.get());
    for (auto &adc : adcs) adcs_.push_back(adc.get());
    chains_ = {&row_chain, &column_chain};
  }

  static constexpr int64_t kRowDevice = 0, kColumnDevice = 1, kFirstDac = 2, kFirstAdc = 100;

  // The pin that opens all switches.
  void open_switches(double time, bool active) {
    row_chain.open(time, active);
    column_chain.open(time, active);
  }
  // Whether DACs on I2C have changed the level of their data line.
  bool see_dacs(const BusPins &pins, double time) {
    if (!tables_.addresses[0]) {
      show(pins, dac_levels_, dacs_, time, false);
      return false;
    }
    const uint32_t levels = *pins.data << 1 | *pins.clock;
    if (levels == dac_levels_) return false;
    dac_levels_ = levels;
    const uint32_t line = i2c_.drive(dacs, time, *pins.clock, *pins.data);
    if (*pins.inputs == line) return false;
    *pins.inputs = line;
    return true;
  }
  void see_switches(const BusPins &pins, double time) { show(pins, switch_levels_, chains_, time, false); }
  void see_adcs(const BusPins &pins, double time) {
    if (show(pins, adc_levels_, adcs_, time, true)) polls_ = kNever;
  }
  // Whether the ADCs have to be asked for their levels in a cycle: until these stay.
  bool polled(int64_t cycle) const { return cycle <= polls_; }
  // Gives the transceiver the levels that the ADCs show at the end of a cycle; whether they are others.
  bool answer(const BusPins &pins, int64_t cycle) {
    const double until = double(cycle + 1) * tables_.period - tables_.round_trip;
    uint32_t shown = 0;
    bool rests = true;
    for (size_t lane = 0; lane < adcs.size(); lane++) {
      if (!adcs[lane]->is_selected()) continue;
      shown |= uint32_t(adcs[lane]->output(until)) << lane;
      rests &= until >= adcs[lane]->rests_from();
    }
    for (uint32_t &stage : registers_) {
      rests &= stage == shown;
      std::swap(stage, shown);
    }
    if (rests) polls_ = cycle;
    if (*pins.inputs == shown) return false;
    *pins.inputs = shown;
    return true;
  }
  // Everything that the parts and the board remember.
  template <class F>
  void state(F f) {
    row_chain.state(f);
    column_chain.state(f);
    for (auto &dac : dacs) dac->state(f);
    i2c_.state(f);
    for (auto &adc : adcs) adc->state(f);
    for (uint32_t *levels : {&dac_levels_, &adc_levels_, &switch_levels_}) f(*levels);
    f(registers_);
    f(polls_);
  }

  SwitchChain row_chain, column_chain;
  std::vector<std::unique_ptr<Dac>> dacs;
  std::vector<std::unique_ptr<Adc>> adcs;

 private:
  using Devices = std::vector<SerialDevice *>;

  // Shows the levels of a bus to its parts; whether they have changed. All ADCs share a chip select.
  static bool show(const BusPins &pins, uint32_t &before, const Devices &devices, double time, bool shared) {
    const uint32_t levels = *pins.select_n << 2 | *pins.data << 1 | *pins.clock;
    if (levels == before) return false;
    before = levels;
    for (size_t place = 0; place < devices.size(); place++) {
      const bool selected = !(*pins.select_n >> (shared ? 0 : place) & 1);
      devices[place]->drive(time, selected, *pins.clock, *pins.data);
    }
    return true;
  }

  I2cBus i2c_;
  const TileTables &tables_;
  Devices dacs_, adcs_, chains_;
  uint32_t dac_levels_ = ~0u, adc_levels_ = ~0u, switch_levels_ = ~0u;
  std::vector<uint32_t> registers_;  // between the ADCs and the transceiver
  int64_t polls_ = -1;               // last cycle in which the ADCs have to be asked
};

}  // namespace twinbar
