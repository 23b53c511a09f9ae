// What packed blocks are made of; see block.py.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <cxxrtl/cxxrtl.h>

namespace twinbar {

// Where a word of a memory is. CXXRTL's own class reads an address without bits, that of a memory of one word, from behind it.
struct memory_index : cxxrtl_yosys::memory_index {
  template <size_t Bits>
  memory_index(const cxxrtl::value<Bits> &address, size_t offset, size_t depth)
      : cxxrtl_yosys::memory_index(some_bits(address), offset, depth) {}

 private:
  template <size_t Bits>
  static const cxxrtl::value<Bits> &some_bits(const cxxrtl::value<Bits> &address) {
    return address;
  }
  static cxxrtl::value<1> some_bits(const cxxrtl::value<0> &) { return cxxrtl::value<1>{0u}; }
};

// The types that the generated code of a packed block is written with (`wire`, `memory`, `module` and `observer` in its
// namespace), instead of those of CXXRTL's library. Present values are where CXXRTL has them, in the members of the design;
// the next values have the same layout, a fixed distance before them.

template <size_t Bits, size_t Distance>
struct next_value : cxxrtl::expr_base<next_value<Bits, Distance>> {
  static constexpr size_t bits = Bits;

  cxxrtl::value<Bits> &val() {
    return *reinterpret_cast<cxxrtl::value<Bits> *>(reinterpret_cast<unsigned char *>(this) - Distance);
  }
  const cxxrtl::value<Bits> &val() const { return const_cast<next_value *>(this)->val(); }
  operator const cxxrtl::value<Bits> &() const { return val(); }
  next_value &operator=(const cxxrtl::value<Bits> &other) {
    val() = other;
    return *this;
  }
};

template <size_t Bits, size_t Distance>
struct packed_wire {
  static constexpr size_t bits = Bits;
  union {
    cxxrtl::value<Bits> curr;
    next_value<Bits, Distance> next;
  };

  packed_wire() : curr() {}
  template <class... Init>
  explicit constexpr packed_wire(Init... init) : curr{init...} {}
  packed_wire(const packed_wire &) = delete;
  // Gives it its initial value; the block sets the next one.
  packed_wire &operator=(packed_wire &&other) {
    curr = other.curr;
    return *this;
  }
  template <class T>
  T get() const {
    return curr.template get<T>();
  }
  template <class Visitor>
  bool commit(Visitor &visitor) {
    visitor.visit(*this);
    return false;
  }
};

// CXXRTL queues a write, masked, in every cycle.
template <size_t Width>
struct packed_memory : cxxrtl::memory<Width> {
  using cxxrtl::memory<Width>::memory;
  bool *writes = nullptr;

  void update(size_t index, const cxxrtl::value<Width> &value, const cxxrtl::value<Width> &mask, int priority = 0) {
    if (__builtin_expect(mask.is_zero(), 1)) return;
    cxxrtl::memory<Width>::update(index, value, mask, priority);
    *writes = true;
  }
  template <class Visitor>
  bool commit(Visitor &visitor) {
    visitor.visit(*this);
    return false;
  }
};

template <size_t Distance>
struct packed_module {
  alignas(8) unsigned char following[Distance];  // the next values of registers

  packed_module() = default;
  packed_module(const packed_module &) = delete;
};

// Writes what is queued, or forgets it.
struct committer {
  bool happens = true;
  cxxrtl::observer nobody = {};

  template <size_t Bits, size_t Distance>
  void visit(packed_wire<Bits, Distance> &) {}
  template <size_t Width>
  void visit(packed_memory<Width> &memory) {
    if (happens) static_cast<cxxrtl::memory<Width> &>(memory).commit(nobody);
    else memory.write_queue.clear();
  }
};

// Counts what CXXRTL stores, and tells memories whom to tell of writes.
struct census {
  bool *writes;
  int registers = 0, memories = 0;

  template <size_t Bits, size_t Distance>
  void visit(packed_wire<Bits, Distance> &) {
    registers++;
  }
  template <size_t Width>
  void visit(packed_memory<Width> &memory) {
    memory.writes = writes;
    memories++;
  }
};

// Where something lies in an object, in bytes.
struct place {
  size_t at, size;
};
#define TWINBAR_PLACE(type, member) (twinbar::place{offsetof(type, member), sizeof(type::member)})

// Places in their order, by merging: compilers limit how long a constant may take, and a netlist has a thousand registers.
template <size_t Count>
constexpr std::array<place, Count> in_order(std::array<place, Count> places) {
  for (size_t width = 1; width < Count; width *= 2) {
    const std::array<place, Count> before = places;
    for (size_t begin = 0; begin < Count; begin += 2 * width) {
      const size_t middle = std::min(begin + width, Count), end = std::min(begin + 2 * width, Count);
      size_t left = begin, right = middle;
      for (size_t k = begin; k < end; k++) {
        const bool first = right == end || (left < middle && before[left].at <= before[right].at);
        places[k] = before[first ? left++ : right++];
      }
    }
  }
  return places;
}
// Joins places that follow each other; the rest is empty.
template <size_t Count>
constexpr std::array<place, Count> runs_of(const std::array<place, Count> &unordered) {
  const std::array<place, Count> places = in_order(unordered);
  std::array<place, Count> runs = {};
  size_t last = 0;
  for (size_t i = 0; i < Count; i++) {
    if (i && runs[last].at + runs[last].size == places[i].at) runs[last].size += places[i].size;
    else runs[last += i > 0] = places[i];
  }
  return runs;
}
// Whether all of them lie where their next values have a place in the module, the distance before them.
template <class Module, class Top, size_t Distance, size_t Count>
constexpr bool fits(const std::array<place, Count> &runs) {
  if (!std::is_base_of<Module, Top>::value) return false;
  for (const place &run : runs)
    if (run.size && (run.at < sizeof(Module) || run.at + run.size > sizeof(Module) + Distance)) return false;
  return true;
}

// Calls `f` with the words of each run: present and next ones, and how many they are, as a constant.
template <const auto &Runs, size_t Distance, class F, size_t... I>
inline void with_runs(void *top, F f, std::index_sequence<I...>) {
  uint32_t *words = static_cast<uint32_t *>(top);
  (f(words + Runs[I].at / sizeof(uint32_t), words + Runs[I].at / sizeof(uint32_t) - Distance / sizeof(uint32_t),
     std::integral_constant<size_t, Runs[I].size / sizeof(uint32_t)>()), ...);
}
template <const auto &Runs, size_t Distance, class F>
inline void with_runs(void *top, F f) {
  with_runs<Runs, Distance>(top, f, std::make_index_sequence<Runs.size()>());
}
// Copies words, sixteen bytes at a time: for some hundred bytes, GCC makes of `memcpy` an instruction that starts slowly.
constexpr size_t kWordsAtATime = 4;
template <size_t... I>
inline void copy_vectors(uint32_t *to, const uint32_t *from, std::index_sequence<I...>) {
  (std::memcpy(to + kWordsAtATime * I, from + kWordsAtATime * I, kWordsAtATime * sizeof(uint32_t)), ...);
}
template <size_t Count>
inline void copy_words(uint32_t *to, const uint32_t *from) {
  copy_vectors(to, from, std::make_index_sequence<Count / kWordsAtATime>());
  constexpr size_t rest = Count % kWordsAtATime;
  if constexpr (rest > 0) std::memcpy(to + Count - rest, from + Count - rest, rest * sizeof(uint32_t));
}
// The next values become the present ones.
template <const auto &Runs, size_t Distance>
inline void take_following(void *top) {
  with_runs<Runs, Distance>(top, [](uint32_t *now, uint32_t *next, auto count) {
    copy_words<count>(now, next);
  });
}
template <const auto &Runs, size_t Distance>
inline void set_following(void *top) {
  with_runs<Runs, Distance>(top, [](uint32_t *now, uint32_t *next, auto count) {
    copy_words<count>(next, now);
  });
}
// Whether no register changes, without a branch for each.
template <const auto &Runs, size_t Distance>
inline bool keeps(void *top) {
  uint32_t different = 0;
  with_runs<Runs, Distance>(top, [&](uint32_t *now, uint32_t *next, auto count) {
    for (size_t i = 0; i < count; i++) different |= now[i] ^ next[i];
  });
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
