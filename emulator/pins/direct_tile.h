// The array right behind the direct pins of a tile.

namespace twinbar {

template <class Design>
class Tile {
 public:
  Tile(const TileTables &tables, const Arrays &arrays, Complaints &complaints, Design &design, int number, bool)
      : period_(tables.period), complaints_(complaints), design_(design) {
    design.bind(number, array_.pins);
    array_.cells = Cells(arrays, number);
  }
  void drive(int64_t) {}
  void see(int64_t cycle) {
    if (array_.rises() <= cycle) design_.touch(0, cycle);
    if (!design_.awake(0)) return;
    design_.evaluate(cycle);
    bool changed = false;
    const TileOutcome outcome = array_.see(cycle, changed);
    if (outcome != TileOutcome::kDone)
      complaints_.add({double(cycle) * period_, array_.cells.tile(), -1, Breach::kDirectPins, double(outcome), 0});
    if (changed) design_.touch(0, cycle);
  }
  void take(int64_t) {}
  int64_t wakes(int64_t) const { return array_.rises(); }

 private:
  const double period_;
  Complaints &complaints_;
  Design &design_;
  TileArray<Pins, kRows, kColumns, kChannels, kFieldBits> array_;
};

}  // namespace twinbar
