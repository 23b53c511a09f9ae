// Tables of a front end: everything that differs from one part to another. The fields are those of the structures in
// part_tables.py; times are in nanoseconds.

namespace twinbar {

struct Limits {
  double period, high, low, duty, longest_period;  // longest_period is 0 where there is none
  double select_setup, select_hold, select_high, select_period;
  double data_setup, data_hold, access, select_access, output_hold;
  int64_t cpol, sampling_level, select_launches, launches_on_sampling_edge;
};
struct DacTable {
  Limits limits;
  int64_t channels, word_bits, code_offset, code_mask;
  double settle;
  int64_t other_words;     // words that the front end sends and that change no output
  const uint64_t *base;    // word of code 0, by channel
  const uint64_t *others;
};
struct AdcTable {
  Limits limits;
  int64_t channels, bits, frame_bits, latency, dummies, zero, shift, least, greatest;
  int64_t track_bit, conversion_bit;
  double acquisition, conversion;
  int64_t other_frames;
  const uint64_t *choose;  // frame that chooses each input
  const uint64_t *others;  // word and bits of frames that choose none

  // Result of the part that stands for a code of the tile.
  int64_t result_of(int64_t code) const { return zero + (shift >= 0 ? code << shift : code >> -shift); }
};
struct SwitchTable {
  Limits limits;
  int64_t opens_by_reset;
  double open, settle;
};
enum Line { kBitLine, kSourceLine, kWordLine, kLimit, kLines };
struct MatrixTable {
  int64_t rows, columns, channels, row_switches, column_switches, pair_base, reference_switch;  // -1: there is none
  int64_t dac_shift, dac_bits;
  int64_t chip[kLines], output[kLines];  // what drives each line in a pulse; chip -1: nothing

  // Code of the part that stands for a line's code, or for a limit's code (`SerialParts.dac_code`).
  int64_t code_of(Line line, int64_t code) const {
    return line == kLimit ? code * 0x0101 >> (16 - dac_bits) : code << dac_shift;
  }
};
constexpr int kMostAddresses = 8;
struct BusCycles {
  int64_t bit, second, setup, hold, high, sample_delay;
};
struct TileTables {
  double period;
  int64_t dacs, lanes, input_registers;
  int64_t addresses[kMostAddresses];  // of DACs on I2C, the first of which is 0 where they are on SPI
  double round_trip;
  DacTable dac;
  AdcTable adc;
  SwitchTable switches;
  MatrixTable matrix;
  BusCycles dac_cycles, adc_cycles, switch_cycles;
};

}  // namespace twinbar
