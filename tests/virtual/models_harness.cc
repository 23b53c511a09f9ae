// The models of single parts, for comparison with those of hw/parts. Included behind the headers.
using namespace twinbar;

struct Level : AdcSource {
  int64_t levels[16] = {};
  int64_t sample(int64_t channel, double) override { return levels[channel]; }
};
struct Bench {
  Complaints complaints;
  Level level;
  std::unique_ptr<Dac> dac;
  std::unique_ptr<Adc> adc;
  std::unique_ptr<SwitchChain> chain;
  SerialDevice &device() { return dac ? static_cast<SerialDevice &>(*dac) : adc ? static_cast<SerialDevice &>(*adc) : *chain; }
};

extern "C" {
Bench *bench_dac(const DacTable *table) {
  auto bench = new Bench;
  bench->dac = std::make_unique<Dac>(*table, bench->complaints, 0, 0);
  return bench;
}
Bench *bench_adc(const AdcTable *table) {
  auto bench = new Bench;
  bench->adc = std::make_unique<Adc>(*table, bench->complaints, 0, 0, bench->level, 0);
  return bench;
}
Bench *bench_chain(const SwitchTable *table, int64_t length) {
  auto bench = new Bench;
  bench->chain = std::make_unique<SwitchChain>(*table, bench->complaints, 0, 0, length);
  return bench;
}
void bench_delete(Bench *bench) { delete bench; }
void bench_drive(Bench *bench, double time, int selected, int clock, int data) {
  bench->device().drive(time, selected, clock, data);
}
int bench_output(Bench *bench, double time) { return bench->device().output(time); }
void bench_level(Bench *bench, int64_t input, int64_t level) { bench->level.levels[input] = level; }
void bench_open(Bench *bench, double time, int active) { bench->chain->open(time, active); }
int64_t bench_code(Bench *bench, int64_t output) { return bench->dac->outputs[output]; }
int bench_settled(Bench *bench, double time) { return bench->dac->settled(time); }
int64_t bench_closed(Bench *bench, int64_t *places) {
  const auto &closed = bench->chain->closed();
  std::copy(closed.begin(), closed.end(), places);
  return int64_t(closed.size());
}
int64_t bench_complaints(Bench *bench, Complaint *complaints) {
  std::copy(bench->complaints.kept.begin(), bench->complaints.kept.end(), complaints);
  return bench->complaints.count;
}
}
