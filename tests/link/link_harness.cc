// Runs the link's netlist: UART bits on one side, beats of a controller on the other. Included behind the design.
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>

struct Harness {
	cxxrtl_design::p_top top;
	uint32_t divisor = 4;
	std::deque<uint8_t> to_board, to_host;
	std::deque<uint64_t> commands;
	std::deque<std::array<uint8_t, 10>> responses;
	uint32_t room = 0, resets = 0, busy_outside = 0;
	// UART bits of the host's side: what is left of the byte that is sent, and of the one that comes.
	uint32_t sending = 0, send_bits = 0, send_timer = 0;
	uint32_t coming = 0, come_bits = 0, come_timer = 0;
	uint64_t cycles = 0, busy_tx = 0;
	uint32_t noise = 1;

	bool chance() {
		noise = noise * 1664525u + 1013904223u;
		return noise >> 30 != 0;
	}

	void cycle() {
		if (send_timer) {
			send_timer--;
		} else {
			if (!send_bits && !to_board.empty()) {
				sending = 0x200u | to_board.front() << 1;
				send_bits = 10;
				to_board.pop_front();
			}
			if (send_bits) {
				top.p_rx.set<bool>(sending & 1);
				sending >>= 1;
				send_bits--;
				send_timer = divisor - 1;
			}
		}
		bool take = room > 0 && chance();
		top.p_commands____ready.set<bool>(take);
		top.p_responses____valid.set<bool>(!responses.empty());
		if (!responses.empty()) {
			uint32_t word = 0;
			for (int chunk = 0; chunk < 3; chunk++) {
				std::memcpy(&word, responses.front().data() + 4 * chunk, chunk < 2 ? 4 : 2);
				if (chunk == 2) word &= 0xFFFF;
				top.p_responses____payload.data[chunk] = word;
			}
		}
		bool presented = top.p_commands____valid.get<bool>();
		top.p_busy.set<bool>(presented || busy_outside || !commands.empty() || !responses.empty());
		top.p_clk.set<bool>(false);
		top.step();
		if (take && top.p_commands____valid.get<bool>()) {
			commands.push_back(top.p_commands____payload.get<uint64_t>());
			room--;
		}
		if (!responses.empty() && top.p_responses____ready.get<bool>()) responses.pop_front();
		if (top.p_reset.get<bool>()) {
			resets++;
			commands.clear();
			responses.clear();
		}
		bool tx = top.p_tx.get<bool>();
		if (!come_bits) {
			if (!tx) come_bits = 10, come_timer = divisor / 2, coming = 0;
		}
		if (come_bits) {
			busy_tx++;
			if (come_timer) {
				come_timer--;
			} else {
				coming |= uint32_t(tx) << (10 - come_bits);
				come_timer = divisor - 1;
				if (!--come_bits && coming >> 9 & 1) to_host.push_back(coming >> 1);
			}
		}
		top.p_clk.set<bool>(true);
		top.step();
		cycles++;
	}
};

template <class Queue, class Item> size_t drain(Queue &queue, Item *items, size_t most) {
	size_t count = 0;
	for (; count < most && !queue.empty(); count++) {
		items[count] = queue.front();
		queue.pop_front();
	}
	return count;
}

extern "C" {
Harness *link_new(uint32_t divisor) {
	auto harness = new Harness;
	harness->divisor = divisor;
	harness->top.p_rx.set<bool>(true);
	return harness;
}
void link_delete(Harness *harness) { delete harness; }
void link_send(Harness *harness, const uint8_t *bytes, size_t count) {
	harness->to_board.insert(harness->to_board.end(), bytes, bytes + count);
}
void link_respond(Harness *harness, const uint8_t *beats, size_t count) {
	for (size_t beat = 0; beat < count; beat++) {
		harness->responses.emplace_back();
		std::memcpy(harness->responses.back().data(), beats + 10 * beat, 10);
	}
}
void link_run(Harness *harness, uint64_t cycles, uint32_t room, uint32_t busy) {
	harness->room = room;
	harness->busy_outside = busy;
	for (uint64_t cycle = 0; cycle < cycles; cycle++) harness->cycle();
}
size_t link_receive(Harness *harness, uint8_t *bytes, size_t most) { return drain(harness->to_host, bytes, most); }
size_t link_commands(Harness *harness, uint64_t *beats, size_t most) { return drain(harness->commands, beats, most); }
uint32_t link_resets(Harness *harness) { return harness->resets; }
}
