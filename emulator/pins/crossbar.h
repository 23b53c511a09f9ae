// A crossbar behind serial parts: what it does follows from closed switches, outputs of the DACs and the gates alone.
//
// A read-out that has a range code on its pins is the one of a multiplication; code 0 is that of single reads. A limiter
// that is set in parallel takes `compliance_code`, one behind a DAC takes that output.

namespace twinbar {

class Crossbar : public AdcSource {
 public:
  Crossbar(const TileTables &tables, FrontEndParts &parts, const Arrays &arrays, Complaints &complaints, int64_t tile)
      : table(tables.matrix), adc_(tables.adc), parts_(parts), cells_(arrays, tile), complaints(complaints), tile(tile) {}

  // What is at an ADC's input, as the part's result.
  int64_t sample(int64_t channel, double time) override {
    const int64_t code = reads_ ? code_of(channel, time) : 0;
    return std::min(std::max(adc_.result_of(code), adc_.least), adc_.greatest);
  }
  // What converters see of a cycle's pins.
  void set_read_path(bool reads, int64_t range) { reads_ = reads, range_ = range; }
  // The write gate of a cycle, after the parts have seen it. Gives whether the current of a pulse is at its limit.
  bool see_gate(int64_t cycle, double time, bool writes, int64_t limit) {
    if (writes && reads_ && !(open_ && warned_)) complain(Breach::kGateAndReadPath, time);
    if (writes && !open_) open(cycle, time, limit);
    else if (writes && applied_ && !warned_ && !(now(limit) == driven_pulse_)) warn(Breach::kChangeUnderOpenGate, time);
    else if (!writes && open_) close(cycle);
    return open_ && cycle >= cells_.trips();
  }
  // Cycle in which the current of a pulse reaches its limit.
  int64_t trips() const { return cells_.trips(); }

 private:
  // What drives a pulse.
  struct DrivenPulse {
    std::vector<int64_t> rows, columns;
    int64_t levels[kLines];
    bool operator==(const DrivenPulse &other) const {
      return rows == other.rows && columns == other.columns && std::equal(levels, levels + kLines, other.levels);
    }
  };

  void complain(Breach breach, double time, double found = 0, double needed = 0) {
    complaints.add({time, tile, -1, breach, found, needed});
  }
  void warn(Breach breach, double time) {
    warned_ = true;
    complain(breach, time);
  }
  bool outputs_rest(double time) const {
    const auto &dacs = parts_.dacs;
    return std::all_of(dacs.begin(), dacs.end(), [&](const auto &dac) { return dac->settled(time); });
  }
  bool switches_rest(double time) const { return parts_.row_chain.settled(time) && parts_.column_chain.settled(time); }
  int64_t level(Line line) const { return parts_.dacs[table.chip[line]]->outputs[table.output[line]]; }
  DrivenPulse now(int64_t limit) const {
    DrivenPulse pulse{parts_.row_chain.closed(), parts_.column_chain.closed(), {}};
    for (Line line : {kBitLine, kSourceLine, kWordLine}) pulse.levels[line] = level(line) >> table.dac_shift;
    pulse.levels[kLimit] = table.chip[kLimit] < 0 ? limit : level(kLimit) >> (table.dac_bits - 8);
    return pulse;
  }
  void open(int64_t cycle, double time, int64_t limit) {
    open_ = true, warned_ = false;
    driven_pulse_ = now(limit);
    const auto &rows = driven_pulse_.rows, &columns = driven_pulse_.columns;
    applied_ = rows.size() == 1 && columns.size() == 1 && columns[0] < table.columns && rows[0] < table.rows;
    if (!outputs_rest(time)) warn(Breach::kGateOnMovingOutput, time);
    if (!switches_rest(time)) warn(Breach::kGateOnMovingSwitches, time);
    if (!applied_) return warn(Breach::kGateWithoutOneCell, time);
    const int64_t *levels = driven_pulse_.levels;
    const int64_t across = levels[kBitLine] - levels[kSourceLine];
    cells_.open(cycle, {rows[0] * table.columns + columns[0], across < 0, std::abs(across), levels[kWordLine]}, levels[kLimit]);
  }
  void close(int64_t cycle) {
    open_ = false, stale_ = true;
    if (applied_) cells_.close(cycle);
  }

  // The switch of a channel that is closed: of a column, or from pair_base on of a pair; -1 if there is none.
  int64_t connected(int64_t channel, double time) const {
    int64_t found = -1;
    for (int64_t place : parts_.column_chain.closed()) {
      const bool pair = place >= table.pair_base;
      const int64_t output = pair ? place - table.pair_base : place;
      if (place == table.reference_switch || output >= (pair ? table.columns / 2 : table.columns)) continue;
      if (output % table.channels != channel) continue;
      if (found >= 0) complaints.add({time, tile, -1, Breach::kTwoColumnsPerChannel, double(found), double(place)});
      found = place;
    }
    return found;
  }
  // An ADC that walks over its inputs begins with the one that was left chosen, and takes that result only if it is the
  // first one that is connected. Draws of noise are counted by results that are taken, as in every engine.
  bool is_taken(int64_t channel) {
    if (parts_.column_chain.moved != walked_) walked_ = parts_.column_chain.moved, next_ = after(-1);
    if (channel != next_) return false;
    next_ = after(channel);
    return true;
  }
  // The lowest connected channel above another one, or the lowest of all.
  int64_t after(int64_t channel) const {
    int64_t lowest = table.channels, above = table.channels;
    for (int64_t place : parts_.column_chain.closed()) {
      const bool pair = place >= table.pair_base;
      const int64_t output = pair ? place - table.pair_base : place;
      if (place == table.reference_switch || output >= (pair ? table.columns / 2 : table.columns)) continue;
      const int64_t found = output % table.channels;
      lowest = std::min(lowest, found);
      if (found > channel) above = std::min(above, found);
    }
    return above < table.channels ? above : lowest;
  }
  int64_t code_of(int64_t channel, double time) {
    const int64_t place = connected(channel, time);
    if (place < 0 || !is_taken(channel)) return 0;
    if (!outputs_rest(time)) complain(Breach::kSampleOnMovingOutput, time);
    if (!switches_rest(time)) complain(Breach::kSampleOnMovingSwitches, time);
    const int64_t pair = place >= table.pair_base, output = pair ? place - table.pair_base : place;
    const auto &rows = parts_.row_chain.closed();
    const auto &columns = parts_.column_chain.closed();
    const bool reference = table.reference_switch >= 0 && columns.back() == table.reference_switch;
    if (range_ == 0 && (reference || rows.size() <= 1)) {
      const int64_t what = reference ? kReferenceSource : rows.empty() ? kNoCell : rows[0] * table.columns + output;
      return cells_.convert_single(what, output, pair, channel, kTrimInit, range_);  // no part here has a trim
    }
    if (stale_ || rows != driven_ || pair != paired_) sum(rows, pair);
    return cells_.convert_sum(output, pair, channel, kTrimInit, range_);
  }
  void sum(const std::vector<int64_t> &rows, int64_t pair) {
    uint8_t *inputs = cells_.inputs(table.rows);
    std::fill(inputs, inputs + table.rows, 0);
    for (int64_t row : rows)
      if (row < table.rows) inputs[row] = 1;
    cells_.sum_step(0, pair, 0);
    driven_ = rows, paired_ = pair, stale_ = false;
  }

  const MatrixTable &table;
  const AdcTable &adc_;
  FrontEndParts &parts_;
  Cells cells_;
  Complaints &complaints;
  const int64_t tile;
  bool reads_ = false;
  int64_t range_ = 0;
  bool open_ = false, applied_ = false, warned_ = false;
  DrivenPulse driven_pulse_ = {};
  std::vector<int64_t> driven_;  // rows that the sums are of
  int64_t paired_ = 0;
  bool stale_ = true;            // cells have changed since
  double walked_ = -1;           // when the columns were connected over which an ADC walks
  int64_t next_ = 0;             // channel whose result is taken next
};

}  // namespace twinbar
