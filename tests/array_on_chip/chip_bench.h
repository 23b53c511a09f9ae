// Runs a program on a controller with emulated arrays: what chip_bench.py sends, line by line, on standard input.
// The part before declares `Top`, and how its ports are found.

#include <cstdint>
#include <cstdio>
#include <vector>

struct Bench {
  Top top;
  std::vector<uint64_t> commands;
  std::vector<long> arrivals;
  std::vector<int> ready;
  long cycle = 0, faults = 0, session = -1;
  std::vector<std::vector<long>> phases;

  void low() { top.p_clk.set<bool>(false); top.step(); }
  void high() { top.p_clk.set<bool>(true); top.step(); }

  // Gives the cycles in which the cells are formed.
  long form(long patience) {
    long forming = 0;
    for (low(); !formed(top) && forming < patience; low()) {
      high();
      forming++;
    }
    return forming;
  }

  // Ends after a number of cycles, or when all is done.
  void play(long cycles, bool tells) {
    unsigned long sent = 0;
    phases.assign(kTiles, std::vector<long>(kPhases));
    faults = 0;
    for (cycle = 0; cycle < cycles; cycle++) {
      const bool presents = sent < commands.size() && arrivals[sent] <= cycle;
      const bool takes = ready[cycle % ready.size()];
      top.p_commands____valid.set<bool>(presents);
      if (presents) top.p_commands____payload.set<uint64_t>(commands[sent]);
      top.p_responses____ready.set<bool>(takes);
      top.p_session.set<bool>(cycle == session);
      low();
      if (sent == commands.size() && !top.p_busy.get<bool>()) break;
      for (int tile = 0; tile < kTiles; tile++) {
        phases[tile][phase(top, tile)]++;
        faults += fault(top, tile);
      }
      if (presents && top.p_commands____ready.get<bool>()) {
        if (tells) printf("accepted %ld\n", cycle);
        sent++;
      }
      if (tells && takes && top.p_responses____valid.get<bool>()) {
        const auto &words = top.p_responses____payload.data;
        printf("response %ld %04x%08x%08x\n", cycle, unsigned(words[2]), unsigned(words[1]), unsigned(words[0]));
      }
      high();
    }
  }

  void reset() {
    top.p_commands____valid.set<bool>(false);
    top.p_rst.set<bool>(true);
    low();
    high();
    top.p_rst.set<bool>(false);
  }
};

int main() {
  Bench bench;
  unsigned long rehearsal, beats, patience, rest, pattern;
  if (scanf("%lu %ld %lu %lu %lu", &rehearsal, &bench.session, &beats, &patience, &rest) != 5) return 2;
  bench.commands.resize(beats);
  bench.arrivals.resize(beats);
  for (unsigned long k = 0; k < beats; k++)
    if (scanf("%lx %ld", &bench.commands[k], &bench.arrivals[k]) != 2) return 2;
  if (scanf("%lu", &pattern) != 1) return 2;
  bench.ready.resize(pattern);
  for (int &one : bench.ready)
    if (scanf("%d", &one) != 1) return 2;

  if (rehearsal) {
    bench.play(rehearsal, false);
    bench.reset();
  }
  const long forming = bench.form(patience);
  if (!formed(bench.top)) return 3;
  printf("formed %ld\n", forming);
  bench.play(INT64_MAX, true);
  printf("cycles %ld\nfaults %ld\n", bench.cycle, bench.faults);
  for (const auto &counts : bench.phases) {
    printf("phases");
    for (long count : counts) printf(" %ld", count);
    printf("\n");
  }
  // The last pulse may still be computed.
  for (unsigned long k = 0; k < rest; k++) {
    bench.high();
    bench.low();
  }
  for (int tile = 0; tile < kTiles; tile++) {
    printf("memory");
    for (int word = 0; word < kWords; word++) printf(" %x", unsigned(stored(bench.top, tile, word)));
    printf("\n");
  }
}
