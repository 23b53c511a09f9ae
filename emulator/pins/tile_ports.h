// Where a design has the ports of a tile with serial parts: addresses of their first words.

namespace twinbar {

// Ports of a serialiser: its pins, and its streams at the core. Generated code finds them.
struct Bus {
  int block;  // of the serialiser
  BusPins pins;
  uint32_t *valid, *payload, *reset, *ready, *received_valid, *received;
};
struct TilePins {
  Bus dac, adc, switches;
  uint32_t *switches_open, *write_gate, *read_enable, *range, *compliance_code, *compliance;
};

}  // namespace twinbar
