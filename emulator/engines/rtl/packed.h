// What packed blocks are made of; see generated.py.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <cxxrtl/cxxrtl.h>

namespace twinbar {

// A memory with one write port, which writes at the rising edge.
template <size_t Width, size_t Depth>
struct store {
  cxxrtl::value<Width> data[Depth];
  cxxrtl::value<Width> written, mask;
  size_t place = 0;
  bool pending = false;

  const cxxrtl::value<Width> &operator[](size_t index) const { return data[index]; }
  void put(size_t index, const cxxrtl::value<Width> &value, const cxxrtl::value<Width> &where) {
    place = index, written = value, mask = where, pending = true;
  }
  void commit() {
    if (pending) data[place] = data[place].update(written, mask);
    pending = false;
  }
};

// Compares the first bytes of two structures of words, without a branch for each.
template <size_t Bytes>
inline bool equal_words(const void *a, const void *b) {
  const uint32_t *left = static_cast<const uint32_t *>(a), *right = static_cast<const uint32_t *>(b);
  uint32_t different = 0;
  for (size_t i = 0; i < Bytes / sizeof(uint32_t); i++) different |= left[i] ^ right[i];
  return different == 0;
}

// Steps from a value to a target, at least 1: where the value is the target already, the next step leaves it.
template <int Step, int Bits>
inline int64_t until_equal(uint64_t value, uint64_t target) {
  const uint64_t steps = (Step > 0 ? target - value : value - target) & ((uint64_t(1) << Bits) - 1);
  return steps ? int64_t(steps) : 1;
}

// Steps that no order between the value and the target outlasts: to the target and its neighbours, and to where the
// value wraps.
template <int Step, int Bits>
inline int64_t until_passed(uint64_t value, uint64_t target) {
  const int64_t wraps = std::min(until_equal<Step, Bits>(value, 0), until_equal<Step, Bits>(value, ~uint64_t(0)));
  const int64_t reached = std::min(until_equal<Step, Bits>(value, target - 1), until_equal<Step, Bits>(value, target + 1));
  return std::min({wraps, reached, until_equal<Step, Bits>(value, target)});
}

// Steps until a bit from `Low` on changes.
template <int Step, int Low>
inline int64_t until_carry(uint64_t value) {
  const uint64_t below = value & ((uint64_t(1) << Low) - 1);
  return Step > 0 ? int64_t((uint64_t(1) << Low) - below) : int64_t(below) + 1;
}

}  // namespace twinbar
