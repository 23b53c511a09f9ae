// Tables of a board. The fields are those of the structures in tables.py.

namespace twinbar {

struct BoardTables {
  int64_t divisor;  // cycles per bit of the UART
  int64_t words;    // bytes and words pass the serialisers by
  TileTables tile;
};

}  // namespace twinbar
