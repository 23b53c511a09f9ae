// An array that the core emulates: there is nothing behind its pins.

namespace twinbar {

template <class Design>
class Tile {
 public:
  Tile(const TileTables &, const Arrays &, Complaints &, Design &, int, bool) {}
  void drive(int64_t) {}
  void see(int64_t) {}
  void take(int64_t) {}
  int64_t wakes(int64_t) const { return kNever; }
};

}  // namespace twinbar
