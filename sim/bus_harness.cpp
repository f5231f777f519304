// Drives a verilated Ranvier peripheral over its bus, for Python (ctypes) and for the C driver: the clock runs on this side.
#include "Vranvier_peripheral.h"
#include "clocked.h"

#include <cstdint>

namespace {

using Bus = Clocked<Vranvier_peripheral>;

constexpr int kRefused = 1;   // the peripheral answered an error
constexpr int kTimeout = -1;  // it did not answer within `patience` clocks

}  // namespace

extern "C" {

Bus *bus_open() {
    auto *bus = new Bus;
    auto &top = bus->top;
    top.bus_request_valid = top.events_valid = 0;
    top.bus_response_ready = top.outputs_ready = 1;
    top.rst = 1;
    for (int i = 0; i < 2; ++i) {
        bus->settle();
        bus->tick();
    }
    top.rst = 0;
    return bus;
}

void bus_close(Bus *bus) { delete bus; }

uint64_t bus_cycles(const Bus *bus) { return bus->cycles; }

// Clocks without any access.
void bus_wait(Bus *bus, int clocks) {
    for (int i = 0; i < clocks; ++i) {
        bus->settle();
        bus->tick();
    }
}

int bus_interrupt(Bus *bus) {
    bus->settle();
    return bus->top.irq;
}

// Whether the output stream is read.
void bus_take_outputs(Bus *bus, int ready) { bus->top.outputs_ready = ready != 0; }

// One access: reads into, or writes from, `word`. Returns 0, kRefused or kTimeout.
int bus_access(Bus *bus, int write, uint32_t address, uint32_t *word, uint32_t strobe, int patience) {
    auto &top = bus->top;
    if (address & 3 || address >> 19) return kRefused;  // what a bus interface refuses before it gets here
    top.bus_request_write = write != 0;
    top.bus_request_address = address >> 2;
    top.bus_request_data = *word;
    top.bus_request_strobe = strobe;
    top.bus_request_valid = 1;
    bool waiting = false;  // for the answer; one that comes before is that of an access that was given up
    for (int idle = 0; idle <= patience; ++idle) {
        bus->settle();
        const bool accepted = top.bus_request_valid && top.bus_request_ready;
        const bool answered = waiting && top.bus_response_valid;
        const bool refused = top.bus_response_error;
        const uint32_t data = top.bus_response_data;
        bus->tick();
        if (accepted) {
            top.bus_request_valid = 0;
            waiting = true;
        }
        if (answered) {
            if (refused) return kRefused;
            if (!write) *word = data;
            return 0;
        }
    }
    top.bus_request_valid = 0;
    return kTimeout;
}

// `count` accesses, the address moving on by a word each time if `increment`. Returns how many succeeded; why the next one
// did not goes into `reason`.
int bus_burst(Bus *bus, int write, uint32_t address, int increment, uint32_t *words, int count, int patience, int *reason) {
    for (int i = 0; i < count; ++i) {
        *reason = bus_access(bus, write, address + (increment ? 4u * i : 0u), words + i, 15, patience);
        if (*reason) return i;
    }
    return count;
}

}  // extern "C"
