// A part at a serial bus: follows the pins and checks each edge, as `SerialDevice` of hw/parts/part_model.py does, from the
// same limits.

#include <cmath>
#include <vector>

namespace twinbar {

constexpr double kLongAgo = -INFINITY;
constexpr double kRoundingNs = 1e-6;

struct Complaint {
  double time_ns;
  int64_t tile, device;
  Breach breach;
  double found, needed;  // nanoseconds, or what else there is to say
};

struct Complaints {
  static constexpr size_t kKept = 1000;
  std::vector<Complaint> kept;
  int64_t count = 0;

  void add(const Complaint &complaint) {
    count++;
    if (kept.size() < kKept) kept.push_back(complaint);
  }
};

class SerialDevice {
 public:
  SerialDevice(const Limits &limits, Complaints &complaints, int64_t tile, int64_t number)
      : limits(limits), complaints(complaints), tile(tile), number(number), clock_(limits.cpol) {}
  virtual ~SerialDevice() = default;

  // Levels of the pins from `time` on.
  void drive(double time, bool selected, bool clock, bool data) {
    now_ = time;
    if (data != data_) {
      if (selected_ && count_) need(Breach::kDataHold, time - sampled_, limits.data_hold);
      data_ = data, data_change_ = time;
    }
    if (selected && !selected_) select(time);
    if (clock != clock_) {
      clock_ = clock;
      if (selected_) edge(clock, time);
    }
    if (!selected && selected_) deselect(time);
  }
  // Level of the data pin just before `time`: the wrong one while it may be anything.
  bool output(double time) const {
    const double since = time - launched_;
    if (since <= limits.output_hold + kRoundingNs) return previous_;
    return since >= access_ - kRoundingNs ? current_ : !current_;
  }
  // From when on the data pin stays as it is.
  double rests_from() const { return launched_ + std::max(access_, limits.output_hold + 2 * kRoundingNs); }
  bool is_selected() const { return selected_; }
  // Everything that a part remembers.
  template <class F>
  void state(F f) {
    for (double *time : {&now_, &other_edge_, &select_low_, &select_high_, &data_change_, &sampled_, &launched_, &access_})
      f(*time);
    for (bool *level : {&selected_, &clock_, &data_, &current_, &previous_}) f(*level);
    f(received_), f(count_), f(outgoing_.bits), f(outgoing_.count);
  }

 protected:
  // What a part adds: the bits that it sends in a frame (the highest first), and what bits and frames do.
  struct Outgoing {
    uint64_t bits;
    int count;
  };
  virtual Outgoing selected(double) { return {0, 0}; }
  virtual void bit(bool, int64_t, double) {}
  virtual void frame(uint64_t, int64_t, double) {}

  void complain(Breach breach, double time, double found = 0, double needed = 0) {
    complaints.add({time, tile, number, breach, found, needed});
  }
  void need(Breach breach, double found, double needed) {
    if (found < needed - kRoundingNs) complain(breach, now_, found, needed);
  }

  const Limits &limits;
  Complaints &complaints;
  const int64_t tile, number;
  double now_ = kLongAgo;
  double other_edge_ = kLongAgo;  // last edge that is no sampling edge

 private:
  void select(double time) {
    need(Breach::kSelectHigh, time - select_high_, limits.select_high);
    need(Breach::kSelectPeriod, time - select_low_, limits.select_period);
    selected_ = true, select_low_ = time;
    received_ = 0, count_ = 0;
    other_edge_ = sampled_ = kLongAgo;
    outgoing_ = selected(time);
    if (limits.select_launches) launch(time, limits.select_access);
  }
  void edge(bool level, double time) {
    const bool sampling = level == bool(limits.sampling_level);
    const double began = sampling ? other_edge_ : sampled_;
    if (began > kLongAgo) {
      const double lasted = time - began;
      need(level ? Breach::kLow : Breach::kHigh, lasted, level ? limits.low : limits.high);
      if (sampling && count_) {
        const double period = time - sampled_;
        need(Breach::kDuty, std::min(lasted, period - lasted), limits.duty * period);
      }
    }
    if (!sampling) {
      other_edge_ = time;
      if (!limits.launches_on_sampling_edge) launch(time, limits.access);
      return;
    }
    if (count_) {
      const double period = time - sampled_;
      need(Breach::kPeriod, period, limits.period);
      if (limits.longest_period && period > limits.longest_period + kRoundingNs)
        complain(Breach::kLongestPeriod, time, period, limits.longest_period);
    } else {
      need(Breach::kSelectSetup, time - select_low_, limits.select_setup);
    }
    need(Breach::kDataSetup, time - data_change_, limits.data_setup);
    sampled_ = time;
    received_ = received_ << 1 | data_;
    count_++;
    bit(data_, count_, time);
    if (limits.launches_on_sampling_edge) launch(time, limits.access);
  }
  void deselect(double time) {
    selected_ = false, select_high_ = time;
    if (count_) need(Breach::kSelectHold, time - sampled_, limits.select_hold);
    frame(received_, count_, time);
  }
  void launch(double time, double access) {
    previous_ = current_, launched_ = time, access_ = access;
    current_ = outgoing_.count && outgoing_.bits >> --outgoing_.count & 1;
  }

  bool selected_ = false, clock_, data_ = false;
  double select_low_ = kLongAgo, select_high_ = kLongAgo, data_change_ = kLongAgo, sampled_ = kLongAgo;
  uint64_t received_ = 0;  // the last 64 bits of the frame
  int64_t count_ = 0;
  Outgoing outgoing_ = {0, 0};
  bool current_ = false, previous_ = false;
  double launched_ = kLongAgo, access_ = 0;
};

}  // namespace twinbar
