// Everything that generated code does with values, on operands of many widths; `results` writes what comes of it.

#include <cxxrtl/cxxrtl.h>

namespace {

using cxxrtl::value;

struct Operands {
  const uint32_t *from;

  template <size_t Bits>
  value<Bits> take() {
    value<Bits> taken;
    for (size_t n = 0; n < taken.chunks; n++) taken.data[n] = *from++;
    taken.data[taken.chunks - 1] &= taken.msb_mask;
    return taken;
  }
};
struct Results {
  uint32_t *to;

  void operator()(size_t number) { *to++ = uint32_t(number); }
  template <size_t Bits>
  void operator()(const value<Bits> &result) {
    for (size_t n = 0; n < result.chunks; n++) *to++ = result.data[n];
  }
};

template <size_t Bits, size_t NewBits>
void convert(const value<Bits> &a, Results &give) {
  give(a.template zcast<NewBits>());
  give(a.template scast<NewBits>());
  if constexpr (NewBits >= Bits) {
    give(a.template zext<NewBits>());
    give(a.template sext<NewBits>());
    give(a.template rzext<NewBits>());
  } else {
    give(a.template trunc<NewBits>());
    give(a.template rtrunc<NewBits>());
  }
}
template <size_t Bits, size_t Stop, size_t Start>
void slice(const value<Bits> &a, const value<Stop - Start + 1> &part, Results &give) {
  value<Bits> changed = a;
  changed.template slice<Stop, Start>() = part;
  give(changed);
  give(a.template slice<Stop, Start>().val());
  give(a.template blit<Stop, Start>(part));
}
template <size_t Bits, size_t AmountBits>
void shift(const value<Bits> &a, const value<AmountBits> &amount, Results &give) {
  give(a.shl(amount));
  give(a.shr(amount));
  give(a.sshr(amount));
}
template <size_t Bits>
void operate(Operands operands, Results &give) {
  const auto a = operands.take<Bits>(), b = operands.take<Bits>(), c = operands.take<Bits>();
  for (const auto &each : {a.bit_not(), a.bit_and(b), a.bit_or(b), a.bit_xor(b), a.update(b, c), a.bwmux(b, c)}) give(each);
  for (const auto &each : {a.add(b), a.sub(b), a.neg()}) give(each);
  give(a.template mul<Bits>(b));
  give(a.template mul<Bits + 7>(b));
  give(a.template mul<2 * Bits>(b));
  for (bool each : {a == b, a != b, a == a, a.ucmp(b), a.scmp(b), a.is_neg(), a.is_zero(), bool(a)}) give(each);
  give(a.ctpop());
  give(a.ctlz());
  give(a.template get<uint64_t>());
  value<Bits> changed = a;
  changed.template set<uint64_t>(b.template get<uint64_t>());
  give(changed);
  changed.set_bit(Bits - 1, a.bit(0));
  give(changed);
  convert<Bits, 1>(a, give);
  convert<Bits, 5>(a, give);
  convert<Bits, 17>(a, give);
  convert<Bits, 32>(a, give);
  convert<Bits, 33>(a, give);
  convert<Bits, 64>(a, give);
  convert<Bits, 70>(a, give);
  slice<Bits, Bits - 1, 0>(a, b, give);
  slice<Bits, Bits - 1, Bits - 1>(a, operands.take<1>(), give);
  slice<Bits, Bits - 1, Bits / 2>(a, operands.take<Bits - Bits / 2>(), give);
  slice<Bits, Bits / 2, Bits / 3>(a, operands.take<Bits / 2 - Bits / 3 + 1>(), give);
  give(a.concat(b).val());
  give(a.concat(operands.take<13>()).val());
  give(operands.take<40>().concat(a.template slice<Bits / 2>()).val());
  for (uint32_t distance : {0u, 1u, 4u, 17u, 31u, 32u, 63u}) shift(a, value<6>{distance}, give);
  shift(a, operands.take<3>(), give);
  shift(a, operands.take<32>(), give);
  shift(a, operands.take<40>(), give);
}
void wide(Operands operands, Results &give) {
  const auto a = operands.take<70>();
  slice<70, 31, 0>(a, operands.take<32>(), give);
  slice<70, 32, 31>(a, operands.take<2>(), give);
  slice<70, 36, 5>(a, operands.take<32>(), give);
  slice<70, 63, 32>(a, operands.take<32>(), give);
  slice<70, 69, 40>(a, operands.take<30>(), give);
  slice<70, 69, 69>(a, operands.take<1>(), give);
  slice<70, 66, 3>(a, operands.take<64>(), give);
}
void select(Operands operands, Results &give) {
  const auto bit = operands.take<1>();
  give(bit.repeat<1>());
  give(bit.repeat<9>());
  give(bit.repeat<32>());
  give(bit.repeat<45>());
  const auto places = operands.take<2>();
  give(operands.take<4>().bmux<1>(places));
  give(operands.take<20>().bmux<5>(places));
  give(operands.take<32>().bmux<8>(places));
}

}  // namespace

extern "C" size_t results(const uint32_t *given, uint32_t *found) {
  Results give{found};
  operate<1>({given}, give);
  operate<2>({given}, give);
  operate<7>({given}, give);
  operate<16>({given}, give);
  operate<31>({given}, give);
  operate<32>({given}, give);
  operate<33>({given}, give);
  wide({given}, give);
  select({given}, give);
  return give.to - found;
}
