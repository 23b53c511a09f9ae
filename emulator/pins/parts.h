// Models of DACs, ADCs and chains of switches, from the tables that part_tables.py makes of hw/parts.

namespace twinbar {

class Dac : public SerialDevice {
 public:
  Dac(const DacTable &table, Complaints &complaints, int64_t tile, int64_t number)
      : SerialDevice(table.limits, complaints, tile, number), table(table), outputs(table.channels), changed(table.channels, kLongAgo) {}

  bool settled(double time) const { return time - moved >= table.settle; }
  void frame(uint64_t word, int64_t count, double time) override {
    if (count != table.word_bits) return complain(Breach::kFrameLength, time, double(count), double(table.word_bits));
    word &= ~uint64_t(0) >> (64 - count);
    const uint64_t command = word & ~(uint64_t(table.code_mask) << table.code_offset);
    for (int64_t channel = 0; channel < table.channels; channel++)
      if (command == table.base[channel]) return update(channel, int64_t(word >> table.code_offset & table.code_mask), time);
    for (int64_t other = 0; other < table.other_words; other++)
      if (word == table.others[other]) return;
    complain(Breach::kUnknownWord, time, double(word));
  }
  template <class F>
  void state(F f) {
    SerialDevice::state(f);
    f(outputs), f(changed), f(moved);
  }

  const DacTable &table;
  std::vector<int64_t> outputs;
  std::vector<double> changed;
  double moved = kLongAgo;  // when any output was last given another code

 private:
  void update(int64_t channel, int64_t code, double time) {
    if (outputs[channel] == code) return;
    outputs[channel] = code, changed[channel] = moved = time;
  }
};

// `Source` gives what is at an input when it is sampled.
struct AdcSource {
  virtual ~AdcSource() = default;
  virtual int64_t sample(int64_t channel, double time) = 0;
};

class Adc : public SerialDevice {
 public:
  Adc(const AdcTable &table, Complaints &complaints, int64_t tile, int64_t number, AdcSource &source, int64_t lane)
      : SerialDevice(table.limits, complaints, tile, number), table(table), source(source), lane(lane) {}

  // Starts a frame: samples, and gives the result.
  int64_t begin(double time) {
    began_ = time;
    if (table.acquisition && time - tracking_ < table.acquisition - kRoundingNs)
      complain(Breach::kAcquisition, time, time - tracking_, table.acquisition);
    if (table.latency && chosen < 0) return 0;
    int64_t code = source.sample(table.latency ? chosen : lane, time);
    // What a part converts first after power-up is wrong.
    if (conversions < table.dummies) code = ~code & ((int64_t(1) << table.bits) - 1);
    conversions++;
    return code;
  }
  // Ends a frame.
  void frame(uint64_t word, int64_t count, double time) override {
    if (table.latency) {
      word &= count ? ~uint64_t(0) >> (64 - count) : 0;
      for (int64_t input = 0; count == table.frame_bits && input < table.channels; input++)
        if (word == table.choose[input]) return void(chosen = input);
      for (int64_t other = 0; other < table.other_frames; other++)
        if (word == table.others[2 * other] && count == int64_t(table.others[2 * other + 1])) return void(chosen = -1);
      if (count == table.frame_bits) return complain(Breach::kUnknownWord, time, double(word));
    }
    if (count != table.frame_bits) complain(Breach::kFrameLength, time, double(count), double(table.frame_bits));
  }
  template <class F>
  void state(F f) {
    SerialDevice::state(f);
    f(conversions), f(chosen), f(tracking_), f(began_);
  }

  const AdcTable &table;
  int64_t conversions = 0, chosen = -1;

 protected:
  // The result is in the lowest bits of a whole frame.
  Outgoing selected(double time) override { return {uint64_t(begin(time)), int(table.frame_bits)}; }
  void bit(bool, int64_t count, double time) override {
    if (table.acquisition && count == table.track_bit + 1) tracking_ = other_edge_;
    if (table.conversion && count == table.conversion_bit && time - began_ < table.conversion - kRoundingNs)
      complain(Breach::kConversion, time, time - began_, table.conversion);
  }

 private:
  AdcSource &source;
  const int64_t lane;
  double tracking_ = kLongAgo, began_ = 0;
};

class SwitchChain : public SerialDevice {
 public:
  SwitchChain(const SwitchTable &table, Complaints &complaints, int64_t tile, int64_t number, int64_t length)
      : SerialDevice(table.limits, complaints, tile, number), table(table), loaded(length), shifted_(length) {}

  bool settled(double time) const { return time - moved >= table.settle; }
  bool is_open() const { return opened_; }
  // Switches that are closed.
  const std::vector<int64_t> &closed() const { return closed_; }
  // The pin that opens all.
  void open(double time, bool active) {
    if (active == opened_) return;
    if (!active && time - opened_at_ < table.open - kRoundingNs)
      complain(Breach::kOpenTime, time, time - opened_at_, table.open);
    opened_ = active;
    if (active) opened_at_ = time;
    if (active && table.opens_by_reset) {
      std::fill(loaded.begin(), loaded.end(), 0);
      std::fill(shifted_.begin(), shifted_.end(), 0);
    }
    show(time);
  }
  // Shifts a bit; the one that is shifted last stands at the first switch.
  void shift(bool value) {
    if (opened_ && table.opens_by_reset) return;
    first_ = first_ ? first_ - 1 : shifted_.size() - 1;
    shifted_[first_] = value;
  }
  void frame(uint64_t, int64_t count, double time) override {
    if (count < int64_t(loaded.size())) complain(Breach::kShortChain, time, double(count), double(loaded.size()));
    if (opened_ && table.opens_by_reset) return;
    for (size_t place = 0; place < loaded.size(); place++) loaded[place] = shifted_[(first_ + place) % loaded.size()];
    show(time);
  }
  template <class F>
  void state(F f) {
    SerialDevice::state(f);
    f(loaded), f(moved), f(shifted_), f(first_), f(closed_), f(opened_), f(opened_at_);
  }

  const SwitchTable &table;
  std::vector<uint8_t> loaded;
  double moved = kLongAgo;  // when any switch last closed or opened

 protected:
  void bit(bool value, int64_t, double) override { shift(value); }

 private:
  void show(double time) {
    std::vector<int64_t> now;
    for (size_t place = 0; !opened_ && place < loaded.size(); place++)
      if (loaded[place]) now.push_back(int64_t(place));
    if (now == closed_) return;
    closed_.swap(now);
    moved = time;
  }

  std::vector<uint8_t> shifted_;
  size_t first_ = 0;
  std::vector<int64_t> closed_;
  bool opened_ = false;
  double opened_at_ = kLongAgo;
};

}  // namespace twinbar
