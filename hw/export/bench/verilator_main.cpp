// Runs a cocotb bench in a Verilator older than 5.036, which cocotb's own main program does not compile with.
#include <algorithm>
#include <memory>

#include "Vtop.h"
#include "verilated.h"
#include "verilated_vpi.h"

extern "C" void vlog_startup_routines_bootstrap(void);

static vluint64_t main_time = 0;
double sc_time_stamp() { return main_time; }

static bool settle() {
    bool any = false;
    while (VerilatedVpi::callValueCbs()) any = true;
    return any;
}

int main(int argc, char **argv) {
    Verilated::commandArgs(argc, argv);
    std::unique_ptr<Vtop> top(new Vtop(""));
    Verilated::fatalOnVpiError(false);
    vlog_startup_routines_bootstrap();
    VerilatedVpi::callCbs(cbStartOfSimulation);
    settle();
    while (!Verilated::gotFinish()) {
        bool again = true;
        while (again) {
            top->eval_step();
            again = settle();
            again |= VerilatedVpi::callCbs(cbReadWriteSynch);
            again |= settle();
        }
        top->eval_end_step();
        VerilatedVpi::callCbs(cbReadOnlySynch);
        const vluint64_t none = ~static_cast<vluint64_t>(0);
        const vluint64_t next = std::min(VerilatedVpi::cbNextDeadline(), top->eventsPending() ? top->nextTimeSlot() : none);
        if (next == none) break;
        main_time = next;
        VerilatedVpi::callCbs(cbNextSimTime);
        settle();
        VerilatedVpi::callTimedCbs();
        settle();
    }
    top->final();
    VerilatedVpi::callCbs(cbEndOfSimulation);
    return 0;
}
