// DACs at the two lines of an I2C bus: follows the lines and checks each edge, as `I2cBus` of hw/parts/i2c.py does, from the
// same limits.

namespace twinbar {

class I2cBus {
 public:
  I2cBus(const Limits &limits, const int64_t *addresses, Complaints &complaints, int64_t tile, int64_t number)
      : limits_(limits), addresses_(addresses), complaints_(complaints), tile_(tile), number_(number) {}

  // What the master drives from `time` on; gives the level of the data line.
  bool drive(const std::vector<std::unique_ptr<Dac>> &dacs, double time, bool clock, bool data) {
    if (data != data_) change(dacs, time, data);
    if (clock != clock_) {
      clock_ = clock;
      if (clock) rise(time);
      else fall(dacs, time);
    }
    return acknowledges_ ? false : data_;
  }
  // Everything that the bus remembers.
  template <class F>
  void state(F f) {
    for (bool *level : {&clock_, &data_, &busy_, &addressed_, &acknowledges_}) f(*level);
    for (double *time : {&rose_, &fell_, &changed_, &started_, &stopped_}) f(*time);
    f(chip_), f(count_), f(byte_), f(word_);
  }

 private:
  static constexpr int64_t kByte = 8;

  void need(Breach breach, double time, double found, double needed) {
    if (found < needed - kRoundingNs) complaints_.add({time, tile_, number_, breach, found, needed});
  }
  void change(const std::vector<std::unique_ptr<Dac>> &dacs, double time, bool data) {
    data_ = data, changed_ = time;
    if (!clock_) return need(Breach::kDataHold, time, time - fell_, limits_.data_hold);
    if (acknowledges_) return;  // the part holds the line low: neither START nor STOP is seen
    if (data) {
      need(Breach::kSelectHold, time, time - rose_, limits_.select_hold);
      // The low clock before STOP has begun a bit of its own.
      const int64_t whole = (count_ - 1) / (kByte + 1) * kByte - kByte;
      if (chip_ >= 0 && whole > 0) dacs[size_t(chip_)]->frame(word_, whole, time);
      stopped_ = time, busy_ = false, chip_ = -1, count_ = 0;
    } else {
      need(Breach::kSelectHigh, time, time - stopped_, limits_.select_high);
      started_ = time, busy_ = true, addressed_ = false, chip_ = -1, count_ = 0, byte_ = word_ = 0;
    }
  }
  void rise(double time) {
    need(Breach::kLow, time, time - fell_, limits_.low);
    need(Breach::kDataSetup, time, time - changed_, limits_.data_setup);
    if (count_) need(Breach::kPeriod, time, time - rose_, limits_.period);
    rose_ = time;
    if (acknowledges_) return;
    byte_ = byte_ << 1 | uint64_t(data_);
    count_++;
  }
  void fall(const std::vector<std::unique_ptr<Dac>> &dacs, double time) {
    fell_ = time;
    if (started_ > rose_) need(Breach::kSelectSetup, time, time - started_, limits_.select_setup);
    else need(Breach::kHigh, time, time - rose_, limits_.high);
    if (acknowledges_) {
      acknowledges_ = false;
      count_++;
    } else if (busy_ && count_ % (kByte + 1) == kByte) {
      const uint64_t sent = byte_ & 0xff;
      if (addressed_) {
        word_ = word_ << kByte | sent;
      } else {
        for (size_t chip = 0; !(sent & 1) && chip < dacs.size(); chip++)
          if (addresses_[chip] == int64_t(sent >> 1)) chip_ = int64_t(chip);
        addressed_ = true;
      }
      acknowledges_ = chip_ >= 0;
    }
  }

  const Limits &limits_;
  const int64_t *addresses_;
  Complaints &complaints_;
  const int64_t tile_, number_;
  bool clock_ = true, data_ = true, busy_ = false, addressed_ = false, acknowledges_ = false;
  double rose_ = kLongAgo, fell_ = kLongAgo, changed_ = kLongAgo, started_ = kLongAgo, stopped_ = kLongAgo;
  int64_t chip_ = -1, count_ = 0;      // which part is addressed; bits since START
  uint64_t byte_ = 0, word_ = 0;
};

}  // namespace twinbar
