// Direct front ends have the array right at their pins: nothing is between them.

namespace twinbar {

struct TileTables;

struct TileParts {
  TileParts(const TileTables *, int64_t) {}
  void bind(Pins &) {}
  bool see(const Pins &, int64_t, bool) { return false; }
  int64_t wakes(int64_t) const { return kNever; }
  bool complaint(void *) const { return false; }
  template <class F>
  void state(F) {}
};

}  // namespace twinbar
