// The parts of a tile's serial front end at its three buses, and the crossbar behind them.

namespace twinbar {

template <class Design>
class Tile {
 public:
  Tile(const TileTables &tables, const Arrays &arrays, Complaints &complaints, Design &design, int number, bool words)
      : tables_(tables), design_(design), pins_(design.tile_pins(number)), words_(words),
        parts(tables, complaints, number, crossbar), crossbar(tables, parts, arrays, complaints, number) {}

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
      parts.open_switches(time, *pins_.switches_open);
    }
    if (!words_) {
      if (design_.awake(pins_.dac.block) && parts.see_dacs(pins_.dac.pins, time)) design_.touch(pins_.dac.block, cycle);
      if (design_.awake(pins_.switches.block)) parts.see_switches(pins_.switches.pins, time);
      if (design_.awake(pins_.adc.block)) parts.see_adcs(pins_.adc.pins, time);
      if (parts.polled(cycle) && parts.answer(pins_.adc.pins, cycle)) design_.touch(pins_.adc.block, cycle);
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
    if (!words_) return parts.polled(cycle + 1) ? cycle + 1 : first;
    for (const WordBus *bus : {&dac_words_, &switch_words_, &adc_words_}) first = std::min(first, bus->wakes(cycle));
    return first;
  }

 private:
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
      this->tile.parts.dacs[chip]->frame(this->bits, this->count, time);
      this->count = 0;
    }
  };
  struct ToChains : Listener {
    using Listener::Listener;
    SwitchChain &chain(int chip) { return chip ? this->tile.parts.column_chain : this->tile.parts.row_chain; }
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
      for (auto &adc : this->tile.parts.adcs) results.push_back(uint32_t(adc->begin(time)));
    }
    void end_frame(int, double time) override {
      for (auto &adc : this->tile.parts.adcs) adc->frame(this->bits, this->count, time);
      this->count = 0;
    }
    uint32_t received(int lane) override { return results[lane] >> (this->tile.tables_.adc.frame_bits - length); }
  };

  const TileTables &tables_;
  Design &design_;
  TilePins pins_;
  const bool words_;

 public:
  FrontEndParts parts;
  Crossbar crossbar;

 private:
  ToDacs to_dacs_{*this};
  ToChains to_chains_{*this};
  ToAdcs to_adcs_{*this};
  WordBus dac_words_{tables_.dac_cycles, to_dacs_}, switch_words_{tables_.switch_cycles, to_chains_},
      adc_words_{tables_.adc_cycles, to_adcs_};
};

}  // namespace twinbar
