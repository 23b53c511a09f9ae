// Runs the core of a board: bytes on its UART, parts and array on its other pins. The generated part before this file
// declares `Design`, and `Tile` is that of serial_tile.h or direct_tile.h.

#include <memory>

namespace twinbar {

class Board {
 public:
  Board(const BoardTables &tables, const Arrays &arrays) : tables_(tables), words_(tables.words) {
    design.words = words_;
    *design.uart.rx = 1;
    for (int number = 0; number < kTiles; number++)
      tiles_.push_back(std::make_unique<Tile<Design>>(tables.tile, arrays, complaints, design, number, words_));
  }

  // Runs up to a cycle, or up to the cycle after a zero byte (the end of a frame) has come.
  void run(int64_t until) {
    bool ended = false;
    while (cycle < until && !ended) {
      drive_uart();
      for (auto &tile : tiles_) tile->drive(cycle);
      design.evaluate(cycle);
      for (auto &tile : tiles_) tile->see(cycle);
      design.evaluate(cycle);
      for (auto &tile : tiles_) tile->take(cycle);
      if (see_uart()) ended = from_board.bytes.back() == 0;
      if (!to_board.at_rest() || !from_board.at_rest() || *design.busy) active = cycle;
      evaluated++;
      design.finish(cycle);
      cycle = next(until);
    }
  }

  Complaints complaints;
  UartSender to_board;
  UartReceiver from_board;
  int64_t cycle = 0, active = 0, evaluated = 0;
  Design design;

 private:
  void drive_uart() {
    auto &uart = design.uart;
    if (!words_) {
      const uint32_t level = to_board.level(cycle, tables_.divisor);
      if (*uart.rx != level) *uart.rx = level, design.touch(uart.receiver, cycle);
      return;
    }
    const bool comes = !to_board.bytes.empty() && cycle >= next_byte_;
    if (comes) {
      put(uart.data, to_board.bytes.front());
      to_board.bytes.pop_front();
      next_byte_ = cycle + kByteBits * tables_.divisor;
    }
    put(uart.valid, comes);
    put(uart.ready, cycle >= free_);
  }
  void put(uint32_t *port, uint32_t value) {
    if (*port != value) *port = value, design.touch(design.uart.link, cycle);
  }
  // Whether a byte has come from the board.
  bool see_uart() {
    auto &uart = design.uart;
    if (!words_) return from_board.see(cycle, *uart.tx, tables_.divisor);
    if (cycle < free_ || !*uart.sends) return false;
    from_board.bytes.push_back(uint8_t(*uart.sent));
    free_ = cycle + kByteBits * tables_.divisor;
    return true;
  }
  int64_t next(int64_t until) const {
    int64_t first = std::min(design.wakes(), until);
    if (!words_) {
      first = std::min({first, to_board.wakes(), from_board.samples});
      if (to_board.bits == 0 && !to_board.bytes.empty()) first = cycle + 1;
    } else {
      if (*design.uart.valid) first = cycle + 1;
      if (!to_board.bytes.empty()) first = std::min(first, std::max(next_byte_, cycle + 1));
      if (free_ > cycle) first = std::min(first, free_);
    }
    for (const auto &tile : tiles_) first = std::min(first, tile->wakes(cycle));
    return std::max(first, cycle + 1);
  }

  const BoardTables &tables_;
  const bool words_;
  int64_t next_byte_ = 0, free_ = 0;
  std::vector<std::unique_ptr<Tile<Design>>> tiles_;
};

}  // namespace twinbar

extern "C" {
// Null if what CXXRTL stores is not what the netlist says.
void *twinbar_board_create(const twinbar::BoardTables *tables, const twinbar::Arrays *arrays) {
  auto board = std::make_unique<twinbar::Board>(*tables, *arrays);
  return board->design.whole() ? board.release() : nullptr;
}
void twinbar_board_destroy(void *board) { delete static_cast<twinbar::Board *>(board); }
void twinbar_board_send(void *board, const uint8_t *bytes, size_t count) {
  auto &queue = static_cast<twinbar::Board *>(board)->to_board.bytes;
  queue.insert(queue.end(), bytes, bytes + count);
}
size_t twinbar_board_receive(void *board, uint8_t *bytes, size_t most) {
  auto &queue = static_cast<twinbar::Board *>(board)->from_board.bytes;
  const size_t count = std::min(most, queue.size());
  std::copy(queue.begin(), queue.begin() + count, bytes);
  queue.erase(queue.begin(), queue.begin() + count);
  return count;
}
void twinbar_board_run(void *board, int64_t until) { static_cast<twinbar::Board *>(board)->run(until); }
// Cycle, last cycle with a byte or a command under way, and cycles that were evaluated.
void twinbar_board_time(void *board, int64_t *times) {
  const auto &run = *static_cast<twinbar::Board *>(board);
  times[0] = run.cycle, times[1] = run.active, times[2] = run.evaluated;
}
int64_t twinbar_board_complaints(void *board, twinbar::Complaint *complaints, int64_t most) {
  const auto &found = static_cast<twinbar::Board *>(board)->complaints;
  const int64_t count = std::min(most, int64_t(found.kept.size()));
  std::copy(found.kept.begin(), found.kept.begin() + count, complaints);
  return found.count;
}
void twinbar_board_stop(void *board, int level) {
  auto &run = *static_cast<twinbar::Board *>(board);
  if (*run.design.stop != uint32_t(level)) *run.design.stop = uint32_t(level), run.design.touch(0, run.cycle);
}
}
