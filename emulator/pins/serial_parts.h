// The parts of a serial front end between its pins and the array, as pysim_parts.py has them.
//
// They carry the array's codes to the tile through the ADCs' data pins. What else the tile wants done must have reached
// the parts: a pulse is given only through closed switches and at the codes that the DACs have, and what is not connected
// when a converter samples reads as zero.

namespace twinbar {

class TileParts : public AdcSource {
 public:
  TileParts(const TileTables *tables, int64_t tile)
      : tables_(*tables), matrix_(tables->matrix), tile_(tile), parts_(*tables, complaints_, tile, *this) {
    levels_.assign(kChannels, tables->adc.zero);
  }

  // Converters without a trim, whose codes come through the parts.
  void bind(Pins &pins) {
    for (int channel = 0; channel < kChannels; channel++) {
      trims_[channel].template set<uint32_t>(kTrimInit);
      pins.trim[channel] = &trims_[channel];
      pins.code[channel] = &codes_[channel];
    }
  }
  // Sees a cycle, counted from power-up, after the array has; whether the levels of the parts' data pins are others.
  bool see(const Pins &pins, int64_t cycle, bool awake) {
    const double time = double(cycle) * tables_.period;
    bool others = false;
    if (awake) {
      if (pins.convert->template get<bool>()) show(pins);
      if (pins.write_gate->template get<bool>()) check_pulse(pins, time);
      parts_.open_switches(time, *pins.switches_open);
      others = parts_.see_dacs(pins.dac, time);
      parts_.see_switches(pins.switches, time);
      parts_.see_adcs(pins.adc, time);
    }
    return (parts_.polled(cycle) && parts_.answer(pins.adc, cycle)) || others;
  }
  // The next cycle in which the parts have to be asked, whatever the pins do.
  int64_t wakes(int64_t cycle) const { return parts_.polled(cycle + 1) ? cycle + 1 : kNever; }
  // The result that an ADC's input has now.
  int64_t sample(int64_t channel, double) override {
    return parts_.column_chain.closed() == wanted_ ? levels_[channel] : tables_.adc.zero;
  }
  // Everything that outlasts a cycle.
  template <class F>
  void state(F f) {
    parts_.state(f);
    f(levels_), f(wanted_);
    for (auto &code : codes_) f(code.data);
  }

  // Whether a limit was broken; gives the first one.
  bool complaint(void *to) const {
    if (complaints_.kept.empty()) return false;
    if (to) std::memcpy(to, &complaints_.kept.front(), sizeof(Complaint));
    return true;
  }

 private:
  using Code = std::remove_pointer_t<std::remove_extent_t<decltype(Pins::code)>>;
  using Trim = std::remove_const_t<std::remove_pointer_t<std::remove_extent_t<decltype(Pins::trim)>>>;

  // The array has codes at its outputs, for the selection that the tile has made.
  void show(const Pins &pins) {
    const uint64_t active = pins.channels->template get<uint64_t>();
    const int64_t first = pins.column->template get<uint32_t>() / kChannels * kChannels;
    const int64_t base = pins.subtract->template get<bool>() ? matrix_.pair_base : 0;
    wanted_.clear();
    for (int channel = 0; channel < kChannels; channel++) {
      if (!(active >> channel & 1)) continue;
      constexpr int spare = 32 - int(Code::bits);
      levels_[channel] = tables_.adc.result_of(int32_t(codes_[channel].data[0] << spare) >> spare);
      wanted_.push_back(base + first + channel);
    }
    if (pins.selection->template get<uint32_t>() == Selection::kReference) wanted_.push_back(matrix_.reference_switch);
  }
  // The write gate is open for a cell, at codes of the write drive.
  void check_pulse(const Pins &pins, double time) {
    const auto only = [](const std::vector<int64_t> &closed, int64_t place) {
      return closed.size() == 1 && closed[0] == place;
    };
    if (!only(parts_.row_chain.closed(), pins.row->template get<uint32_t>()) ||
        !only(parts_.column_chain.closed(), pins.column->template get<uint32_t>()))
      complaints_.add({time, tile_, -1, Breach::kOtherSwitch, 0, 0});
    const uint64_t codes = pins.codes->template get<uint64_t>();
    for (int line = 0; line < kLines; line++) {
      if (matrix_.chip[line] < 0) continue;
      const int64_t wanted = matrix_.code_of(Line(line), line == kLimit ? pins.compliance_code->template get<uint32_t>()
                                                                        : int64_t(codes >> kLineBits * line & kLineMask));
      const int64_t held = parts_.dacs[matrix_.chip[line]]->outputs[matrix_.output[line]];
      const int64_t chip = FrontEndParts::kFirstDac + matrix_.chip[line];
      if (held != wanted) complaints_.add({time, tile_, chip, Breach::kOtherCode, double(held), double(wanted)});
    }
  }

  const TileTables &tables_;
  const MatrixTable &matrix_;
  const int64_t tile_;
  Complaints complaints_;
  FrontEndParts parts_;
  Code codes_[kChannels];
  Trim trims_[kChannels];
  std::vector<int64_t> levels_;  // results at the inputs, by channel
  std::vector<int64_t> wanted_;  // switches of the column chain that the tile wants closed
};

}  // namespace twinbar
