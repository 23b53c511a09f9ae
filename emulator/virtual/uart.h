// The host's side of the UART: 8 data bits, the lowest first, no parity, one stop bit.

#include <deque>

namespace twinbar {

constexpr int kByteBits = 10;

// Where the design has the ports of its UART: addresses of their first words. What is told without the UART's serialisers is
// told at the link's ports.
struct Uart {
  int receiver, link;  // blocks of the serialiser and of the link
  uint32_t *rx, *tx, *data, *valid, *sends, *sent, *ready;
};

// Bytes on their way to a pin, bit by bit.
struct UartSender {
  std::deque<uint8_t> bytes;
  uint32_t shift = 0;
  int bits = 0;       // of the byte on the line, this one included
  int64_t until = 0;  // cycle in which this bit has ended

  // Level of the line in a cycle.
  bool level(int64_t cycle, int64_t divisor) {
    if (bits && cycle >= until) shift >>= 1, bits--, until += divisor;
    if (!bits && !bytes.empty()) {
      shift = 0x200u | bytes.front() << 1, bits = kByteBits, until = cycle + divisor;
      bytes.pop_front();
    }
    return !bits || shift & 1;
  }
  bool at_rest() const { return !bits && bytes.empty(); }
  int64_t wakes() const { return bits ? until : kNever; }
};

// Bytes that come from a pin, sampled in the middle of each bit.
struct UartReceiver {
  std::deque<uint8_t> bytes;
  uint32_t shift = 0;
  int bits = 0;        // of the byte on the line that have been sampled
  bool begun = false;
  int64_t samples = kNever;  // cycle of the next sample

  // Takes note of the level in a cycle in which it may have changed, or is sampled; whether a byte has come.
  bool see(int64_t cycle, bool level, int64_t divisor) {
    if (!begun) {
      if (!level) begun = true, bits = 0, shift = 0, samples = cycle + divisor / 2;
      return false;
    }
    if (cycle < samples) return false;
    samples += divisor;
    shift |= uint32_t(level) << bits;
    if (++bits < kByteBits) return false;
    begun = false, samples = kNever;
    if (!(shift >> 9 & 1)) return false;  // no stop bit
    bytes.push_back(uint8_t(shift >> 1));
    return true;
  }
  bool at_rest() const { return !begun; }
};

}  // namespace twinbar
