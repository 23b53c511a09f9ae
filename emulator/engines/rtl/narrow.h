// CXXRTL's values of at most 32 bits, without its loops over words. Most values of a netlist are narrow, and the compiler
// spends half its time on undoing those loops. This goes before CXXRTL's library, which then uses these values as its own.
// Division is left out: no gateware has one, and the C++ of one that had would not compile.

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

#define TWINBAR_INLINE inline __attribute__((__always_inline__))

namespace cxxrtl {

template <size_t Bits>
struct value;
template <class T, size_t Stop, size_t Start>
struct slice_expr;
template <class T, class U>
struct concat_expr;

template <size_t Bits>
struct narrow_value {
  static constexpr size_t bits = Bits;
  using chunk_t = uint32_t;
  struct chunk {
    using type = chunk_t;
    static constexpr size_t bits = 32;
    static constexpr chunk_t mask = UINT32_MAX;
  };
  static constexpr chunk_t msb_mask = chunk::mask >> (chunk::bits - Bits);
  static constexpr size_t chunks = 1;
  chunk_t data[1] = {};

  narrow_value() = default;
  explicit constexpr narrow_value(chunk_t word) : data{word} {}

  TWINBAR_INLINE const value<Bits> &val() const { return static_cast<const value<Bits> &>(*this); }
  template <size_t Stop, size_t Start = Stop>
  TWINBAR_INLINE slice_expr<const value<Bits>, Stop, Start> slice() const {
    return {val()};
  }
  template <size_t Stop, size_t Start = Stop>
  TWINBAR_INLINE slice_expr<value<Bits>, Stop, Start> slice() {
    return {static_cast<value<Bits> &>(*this)};
  }
  template <class Other>
  TWINBAR_INLINE concat_expr<const value<Bits>, const Other> concat(const Other &other) const {
    return {val(), other};
  }
  template <class Other>
  TWINBAR_INLINE concat_expr<value<Bits>, std::remove_reference_t<Other>> concat(Other &&other) {
    return {static_cast<value<Bits> &>(*this), other};
  }
  std::string str() const {
    std::stringstream text;
    text << val();
    return text.str();
  }
  template <class Integer>
  TWINBAR_INLINE Integer get() const {
    return Integer(data[0]);
  }
  template <class Integer>
  TWINBAR_INLINE void set(Integer number) {
    data[0] = chunk_t(number);
  }

  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> trunc() const {
    static_assert(NewBits <= Bits, "trunc() may not increase width");
    if constexpr (NewBits == 0) return value<0>();
    else return value<NewBits>{data[0] & value<NewBits>::msb_mask};
  }
  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> zext() const {
    static_assert(NewBits >= Bits, "zext() may not decrease width");
    return value<NewBits>{data[0]};
  }
  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> sext() const {
    static_assert(NewBits >= Bits, "sext() may not decrease width");
    const chunk_t word = extended();
    if constexpr (NewBits <= chunk::bits) {
      return value<NewBits>{word & value<NewBits>::msb_mask};
    } else {
      value<NewBits> result{word};
      const chunk_t sign = is_neg() ? chunk::mask : 0;
      for (size_t n = 1; n < result.chunks; n++) result.data[n] = sign;
      result.data[result.chunks - 1] &= result.msb_mask;
      return result;
    }
  }
  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> rtrunc() const {
    static_assert(NewBits <= Bits, "rtrunc() may not increase width");
    if constexpr (NewBits == 0) return value<0>();
    else return value<NewBits>{data[0] >> (Bits - NewBits)};
  }
  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> rzext() const {
    static_assert(NewBits >= Bits, "rzext() may not decrease width");
    constexpr size_t skipped = (NewBits - Bits) / chunk::bits, shift = (NewBits - Bits) % chunk::bits;
    if constexpr (NewBits <= chunk::bits) {
      return value<NewBits>{data[0] << shift};
    } else {
      value<NewBits> result;
      result.data[skipped] = data[0] << shift;
      if constexpr (shift + Bits > chunk::bits) result.data[skipped + 1] = data[0] >> (chunk::bits - shift);
      return result;
    }
  }
  template <size_t Stop, size_t Start>
  TWINBAR_INLINE value<Bits> blit(const value<Stop - Start + 1> &source) const {
    static_assert(Stop >= Start, "blit() may not reverse bit order");
    return value<Bits>{(data[0] & ~(source.msb_mask << Start)) | source.data[0] << Start};
  }
  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> zcast() const {
    if constexpr (NewBits < Bits) return trunc<NewBits>();
    else return zext<NewBits>();
  }
  template <size_t NewBits>
  TWINBAR_INLINE value<NewBits> scast() const {
    if constexpr (NewBits < Bits) return trunc<NewBits>();
    else return sext<NewBits>();
  }
  template <size_t Count>
  TWINBAR_INLINE value<Bits * Count> repeat() const {
    static_assert(Bits == 1, "repeat() is implemented only for 1-bit values");
    if constexpr (Count <= chunk::bits) return value<Count>{-data[0] & value<Count>::msb_mask};
    else return data[0] ? value<Count>().bit_not() : value<Count>();
  }

  TWINBAR_INLINE bool bit(size_t offset) const { return data[0] >> offset & 1; }
  TWINBAR_INLINE void set_bit(size_t offset, bool one = true) {
    data[0] = (data[0] & ~(chunk_t(1) << offset)) | chunk_t(one) << offset;
  }
  TWINBAR_INLINE explicit operator bool() const { return data[0] != 0; }
  TWINBAR_INLINE bool is_zero() const { return data[0] == 0; }
  TWINBAR_INLINE bool is_neg() const { return data[0] >> (Bits - 1) & 1; }
  TWINBAR_INLINE bool operator==(const value<Bits> &other) const { return data[0] == other.data[0]; }
  TWINBAR_INLINE bool operator!=(const value<Bits> &other) const { return data[0] != other.data[0]; }
  TWINBAR_INLINE value<Bits> bit_not() const { return value<Bits>{~data[0] & msb_mask}; }
  TWINBAR_INLINE value<Bits> bit_and(const value<Bits> &other) const {
    return value<Bits>{data[0] & other.data[0]};
  }
  TWINBAR_INLINE value<Bits> bit_or(const value<Bits> &other) const {
    return value<Bits>{data[0] | other.data[0]};
  }
  TWINBAR_INLINE value<Bits> bit_xor(const value<Bits> &other) const {
    return value<Bits>{data[0] ^ other.data[0]};
  }
  TWINBAR_INLINE value<Bits> update(const value<Bits> &other, const value<Bits> &mask) const {
    return value<Bits>{(data[0] & ~mask.data[0]) | (other.data[0] & mask.data[0])};
  }
  TWINBAR_INLINE value<Bits> bwmux(const value<Bits> &b, const value<Bits> &s) const { return update(b, s); }

  template <size_t AmountBits>
  TWINBAR_INLINE value<Bits> shl(const value<AmountBits> &amount) const {
    return exceeds(amount) ? value<Bits>() : value<Bits>{data[0] << amount.data[0] & msb_mask};
  }
  template <size_t AmountBits>
  TWINBAR_INLINE value<Bits> shr(const value<AmountBits> &amount) const {
    return exceeds(amount) ? value<Bits>() : value<Bits>{data[0] >> amount.data[0]};
  }
  template <size_t AmountBits>
  TWINBAR_INLINE value<Bits> sshr(const value<AmountBits> &amount) const {
    const chunk_t steps = exceeds(amount) ? chunk::bits - 1 : amount.data[0];
    return value<Bits>{chunk_t(int32_t(extended()) >> steps) & msb_mask};
  }
  template <size_t ResultBits, size_t SelBits>
  TWINBAR_INLINE value<ResultBits> bmux(const value<SelBits> &sel) const {
    static_assert(ResultBits << SelBits == Bits, "invalid sizes used in bmux()");
    return value<ResultBits>{data[0] >> sel.data[0] * ResultBits & value<ResultBits>::msb_mask};
  }
  TWINBAR_INLINE size_t ctpop() const { return __builtin_popcount(data[0]); }
  TWINBAR_INLINE size_t ctlz() const { return data[0] ? __builtin_clz(data[0]) - (chunk::bits - Bits) : Bits; }

  TWINBAR_INLINE value<Bits> add(const value<Bits> &other) const {
    return value<Bits>{(data[0] + other.data[0]) & msb_mask};
  }
  TWINBAR_INLINE value<Bits> sub(const value<Bits> &other) const {
    return value<Bits>{(data[0] - other.data[0]) & msb_mask};
  }
  TWINBAR_INLINE value<Bits> neg() const { return value<Bits>{-data[0] & msb_mask}; }
  TWINBAR_INLINE bool ucmp(const value<Bits> &other) const { return data[0] < other.data[0]; }
  TWINBAR_INLINE bool scmp(const value<Bits> &other) const {
    return int32_t(extended()) < int32_t(other.extended());
  }
  template <size_t ResultBits>
  TWINBAR_INLINE value<ResultBits> mul(const value<Bits> &other) const {
    const uint64_t product = uint64_t(data[0]) * other.data[0];
    if constexpr (ResultBits <= chunk::bits) {
      return value<ResultBits>{chunk_t(product) & value<ResultBits>::msb_mask};
    } else {
      value<ResultBits> result{chunk_t(product), chunk_t(product >> chunk::bits)};
      result.data[result.chunks - 1] &= result.msb_mask;
      return result;
    }
  }

  // The word with its sign in all higher bits.
  TWINBAR_INLINE chunk_t extended() const {
    return chunk_t(int32_t(data[0] << (chunk::bits - Bits)) >> (chunk::bits - Bits));
  }

 private:
  template <size_t AmountBits>
  TWINBAR_INLINE static bool exceeds(const value<AmountBits> &amount) {
    for (size_t n = 1; n < amount.chunks; n++)
      if (amount.data[n]) return true;
    return amount.data[0] >= chunk::bits;
  }
};

#define TWINBAR_NARROW(Bits)                \
  template <>                               \
  struct value<Bits> : narrow_value<Bits> { \
    using narrow_value<Bits>::narrow_value; \
    value() = default;                      \
  };
#define TWINBAR_NARROW_8(Bits)                                                                        \
  TWINBAR_NARROW(Bits + 1) TWINBAR_NARROW(Bits + 2) TWINBAR_NARROW(Bits + 3) TWINBAR_NARROW(Bits + 4) \
  TWINBAR_NARROW(Bits + 5) TWINBAR_NARROW(Bits + 6) TWINBAR_NARROW(Bits + 7) TWINBAR_NARROW(Bits + 8)
TWINBAR_NARROW_8(0) TWINBAR_NARROW_8(8) TWINBAR_NARROW_8(16) TWINBAR_NARROW_8(24)

}  // namespace cxxrtl

#include <cxxrtl/cxxrtl.h>

namespace cxxrtl {

// Bits of a value.
template <size_t Bits, size_t Stop, size_t Start>
TWINBAR_INLINE value<Stop - Start + 1> bits_of(const value<Bits> &whole) {
  constexpr size_t width = Stop - Start + 1, word = Start / 32, shift = Start % 32;
  if constexpr (width > 32) {
    return whole.template rtrunc<Bits - Start>().template trunc<width>();
  } else if constexpr (Stop / 32 == word) {
    return value<width>{whole.data[word] >> shift & value<width>::msb_mask};
  } else {
    return value<width>{(whole.data[word] >> shift | whole.data[word + 1] << (32 - shift)) & value<width>::msb_mask};
  }
}
template <size_t Bits, size_t Stop, size_t Start>
struct slice_expr<const value<Bits>, Stop, Start> : expr_base<slice_expr<const value<Bits>, Stop, Start>> {
  static_assert(Stop >= Start && Stop < Bits, "a slice is within its value");
  static constexpr size_t bits = Stop - Start + 1;
  const value<Bits> &expr;

  TWINBAR_INLINE slice_expr(const value<Bits> &expr) : expr(expr) {}
  slice_expr(const slice_expr &) = delete;
  TWINBAR_INLINE operator value<bits>() const { return bits_of<Bits, Stop, Start>(expr); }
  TWINBAR_INLINE value<bits> val() const { return bits_of<Bits, Stop, Start>(expr); }
};
template <size_t Bits, size_t Stop, size_t Start>
struct slice_expr<value<Bits>, Stop, Start> : expr_base<slice_expr<value<Bits>, Stop, Start>> {
  static_assert(Stop >= Start && Stop < Bits, "a slice is within its value");
  static constexpr size_t bits = Stop - Start + 1;
  value<Bits> &expr;

  TWINBAR_INLINE slice_expr(value<Bits> &expr) : expr(expr) {}
  slice_expr(const slice_expr &) = delete;
  TWINBAR_INLINE operator value<bits>() const { return bits_of<Bits, Stop, Start>(expr); }
  TWINBAR_INLINE value<bits> val() const { return bits_of<Bits, Stop, Start>(expr); }
  TWINBAR_INLINE slice_expr &operator=(const value<bits> &source) {
    if constexpr (bits <= 32 && Start / 32 == Stop / 32) {
      chunk_t &word = expr.data[Start / 32];
      word = (word & ~(value<bits>::msb_mask << Start % 32)) | source.data[0] << Start % 32;
    } else {
      expr = expr.template blit<Stop, Start>(source);
    }
    return *this;
  }
};

}  // namespace cxxrtl
