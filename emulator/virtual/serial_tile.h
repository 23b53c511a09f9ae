// The parts of a tile's serial front end at its three buses, and the crossbar behind them.

#include <array>
#include <memory>

namespace twinbar {

template <class Design>
class Tile {
 public:
  Tile(const TileTables &tables, const Arrays &arrays, Complaints &complaints, Design &design, int number, bool words)
      : tables_(tables), design_(design), pins_(design.tile_pins(number)), words_(words),
        crossbar(tables.matrix, tables.switches, tables.dac, tables.dacs, tables.adc.zero, tables.adc.shift,
                 tables.adc.least, tables.adc.greatest, arrays, complaints, number) {
    for (int64_t lane = 0; lane < tables.lanes; lane++)
      adcs.push_back(std::make_unique<Adc>(tables.adc, complaints, number, Crossbar::kFirstAdc + lane, crossbar, lane));
    registers_.assign(size_t(tables.input_registers), 0);
    for (auto &dac : crossbar.dacs) dacs_.push_back(dac.get());
    for (auto &adc : adcs) adcs_.push_back(adc.get());
    chains_ = {&crossbar.row_chain, &crossbar.column_chain};
  }

  // Inputs at the start of a cycle.
  void drive(int64_t cycle) {
    if (!words_) return;
    drive_words(dac_words_, pins_.dac, cycle);
    drive_words(switch_words_, pins_.switches, cycle);
    drive_words(adc_words_, pins_.adc, cycle);
  }
  // The pins of a cycle, once they are known.
  void see(int64_t cycle) {
    const double time = double(cycle) * tables_.period;
    if (design_.awake(0)) {
      crossbar.set_read_path(*pins_.read_enable, *pins_.range);
      for (SerialDevice *chain : chains_) static_cast<SwitchChain *>(chain)->open(time, *pins_.switches_open);
    }
    if (!words_) {
      see_bus(pins_.dac, dac_levels_, dacs_, time, false);
      see_bus(pins_.switches, switch_levels_, chains_, time, false);
      see_bus(pins_.adc, adc_levels_, adcs_, time, true);
      if (cycle <= polls_) answer(cycle, time);
    }
    if (design_.awake(0) || cycle >= crossbar.trips()) {
      const bool limited = crossbar.see_gate(cycle, time, *pins_.write_gate, *pins_.compliance_code);
      if (limited != bool(*pins_.compliance)) *pins_.compliance = limited, design_.touch(0, cycle);
    }
  }
  // Takes the words of a cycle, once both sides are known.
  void take(int64_t cycle) {
    if (!words_) return;
    take_words(dac_words_, pins_.dac, cycle);
    take_words(switch_words_, pins_.switches, cycle);
    take_words(adc_words_, pins_.adc, cycle);
  }
  // The next cycle in which the tile has to be looked at, whatever its pins do.
  int64_t wakes(int64_t cycle) const {
    int64_t first = *pins_.compliance ? kNever : crossbar.trips();
    if (!words_) return polls_ > cycle ? cycle + 1 : first;
    for (const WordBus *bus : {&dac_words_, &switch_words_, &adc_words_}) first = std::min(first, bus->wakes(cycle));
    return first;
  }

  std::vector<std::unique_ptr<Adc>> adcs;

 private:
  using Devices = std::vector<SerialDevice *>;

  static bool selects(uint32_t select_n, size_t chip) { return !(select_n >> chip & 1); }

  // Shows the levels of a bus to its parts, if they have changed. All ADCs share a chip select.
  void see_bus(const Bus &bus, uint32_t &before, const Devices &devices, double time, bool shared) {
    if (!design_.awake(bus.block)) return;
    const uint32_t levels = *bus.select_n << 2 | *bus.data << 1 | *bus.clock;
    if (levels == before) return;
    before = levels;
    for (size_t place = 0; place < devices.size(); place++)
      devices[place]->drive(time, selects(*bus.select_n, shared ? 0 : place), *bus.clock, *bus.data);
    if (shared) polls_ = kNever;
  }
  // Gives the levels that the ADCs show at the end of a cycle; they are polled until they stay.
  void answer(int64_t cycle, double time) {
    const double until = time + tables_.period - tables_.round_trip;
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
    if (*pins_.adc.inputs == shown) return;
    *pins_.adc.inputs = shown;
    design_.touch(pins_.adc.block, cycle);
  }

  void put(uint32_t *port, uint32_t value, int64_t cycle) {
    if (port == nullptr || *port == value) return;
    *port = value;
    design_.touch(0, cycle);
  }
  void drive_words(WordBus &words, const Bus &bus, int64_t cycle) {
    words.drive(cycle, tables_.period);
    put(bus.ready, words.ready(cycle), cycle);
    if (bus.received_valid == nullptr) return;
    const bool answers = words.answers_in(cycle);
    put(bus.received_valid, answers, cycle);
    for (int lane = 0; answers && lane < int(tables_.lanes); lane++)
      put(bus.received + lane, words.listener.received(lane), cycle);
  }
  void take_words(WordBus &words, const Bus &bus, int64_t cycle) {
    if (!design_.awake(0)) return;
    if (*bus.reset) return words.reset(cycle);
    if (!*bus.valid || !words.ready(cycle)) return;
    // 32 bits, the count less one, chip and whether it is the last: see `SpiWord`.
    const uint32_t rest = bus.payload[1];
    words.take(cycle, bus.payload[0], int(rest & 31) + 1, int(rest >> 5 & 15), rest >> 9 & 1);
  }

  // Words to parts, without bits.
  struct Listener : WordListener {
    Tile &tile;
    uint64_t bits = 0;
    int64_t count = 0;
    explicit Listener(Tile &tile) : tile(tile) {}
    void begin_frame(int, double) override {}
    void word(int, uint32_t word, int length) override {
      bits = count ? bits << length | word : word;
      count += length;
    }
    uint32_t received(int) override { return 0; }
  };
  struct ToDacs : Listener {
    using Listener::Listener;
    void end_frame(int chip, double time) override {
      this->tile.crossbar.dacs[chip]->frame(this->bits, this->count, time);
      this->count = 0;
    }
  };
  struct ToChains : Listener {
    using Listener::Listener;
    SwitchChain &chain(int chip) { return chip ? this->tile.crossbar.column_chain : this->tile.crossbar.row_chain; }
    void word(int chip, uint32_t word, int length) override {
      for (int place = length; place--;) chain(chip).shift(word >> place & 1);
      this->count += length;
    }
    void end_frame(int chip, double time) override {
      chain(chip).frame(0, this->count, time);
      this->count = 0;
    }
  };
  struct ToAdcs : Listener {
    using Listener::Listener;
    std::vector<uint32_t> results;
    int64_t length = 0;
    void begin_frame(int, double time) override {
      results.clear();
      length = this->count;
      for (auto &adc : this->tile.adcs) results.push_back(uint32_t(adc->begin(time)));
    }
    void end_frame(int, double time) override {
      for (auto &adc : this->tile.adcs) adc->frame(this->bits, this->count, time);
      this->count = 0;
    }
    uint32_t received(int lane) override { return results[lane] >> (this->tile.tables_.adc.frame_bits - length); }
  };

  const TileTables &tables_;
  Design &design_;
  TilePins pins_;
  const bool words_;

 public:
  Crossbar crossbar;

 private:
  Devices dacs_, adcs_, chains_;
  uint32_t dac_levels_ = ~0u, adc_levels_ = ~0u, switch_levels_ = ~0u;
  std::vector<uint32_t> registers_;  // between the ADCs and the engine
  int64_t polls_ = -1;               // last cycle in which the ADCs have to be looked at
  ToDacs to_dacs_{*this};
  ToChains to_chains_{*this};
  ToAdcs to_adcs_{*this};
  WordBus dac_words_{tables_.dac_cycles, to_dacs_}, switch_words_{tables_.switch_cycles, to_chains_},
      adc_words_{tables_.adc_cycles, to_adcs_};
};

}  // namespace twinbar
