// Drives a verilated Ranvier core from Python through ctypes, with the clock loop on this side.
#include "Vranvier_core.h"
#include "clocked.h"

#include <cstdint>

namespace {

struct Device : Clocked<Vranvier_core> {
    uint64_t phases[16] = {};

    void tick() {
        ++phases[top.phase];
        Clocked::tick();
    }
};

constexpr int kTimeout = -1;   // nothing moved for `patience` clocks
constexpr int kOverflow = -2;  // more outputs than the caller has room for

}  // namespace

extern "C" {

Device *device_open() {
    auto *device = new Device;
    auto &top = device->top;
    top.events_valid = top.request_valid = 0;
    top.outputs_ready = top.response_ready = 1;
    return device;
}

void device_close(Device *device) { delete device; }

uint64_t device_cycles(const Device *device) { return device->cycles; }

// Clocks spent in each phase since the device was opened.
void device_phases(const Device *device, uint64_t *phases) {
    for (int i = 0; i < 16; ++i) phases[i] = device->phases[i];
}

// One host request after the other. `requests` holds (write, space, row, column, data) each; the data read goes back into
// it. Returns how many were answered without error before the first error, or kTimeout.
int device_host(Device *device, int32_t *requests, int count, int patience) {
    auto &top = device->top;
    int idle = 0;
    for (int i = 0; i < count; ++i) {
        int32_t *r = requests + 5 * i;
        top.request_write = r[0];
        top.request_space = r[1];
        top.request_row = r[2];
        top.request_column = r[3];
        top.request_data = r[4];
        top.request_valid = 1;
        for (bool answered = false; !answered;) {
            device->settle();
            const bool accepted = top.request_valid && top.request_ready;
            answered = top.response_valid;
            const bool error = top.response_error;
            const int32_t data = static_cast<int32_t>(top.response_data);
            device->tick();
            if (accepted) top.request_valid = 0;
            if (answered) {
                if (error) return i;
                r[4] = data;
            }
            idle = answered ? 0 : idle + 1;
            if (idle > patience) {
                top.request_valid = 0;
                return kTimeout;
            }
        }
    }
    return count;
}

// Offers the events, (kind, unit, scored, target) each, and collects outputs, (kind, index, value) each, until all events
// were taken and an output of the kind `until` has come (0: do not wait for any). Returns the number of outputs.
int device_run(Device *device, const int32_t *events, int count, int32_t *outputs, int room, int until, int patience) {
    auto &top = device->top;
    int taken = 0, given = 0, idle = 0;
    bool ended = until == 0;
    while (taken < count || !ended) {
        top.events_valid = taken < count;
        if (taken < count) {
            const int32_t *e = events + 4 * taken;
            top.events_kind = e[0];
            top.events_unit = e[1];
            top.events_scored = e[2];
            top.events_target = e[3];
        }
        device->settle();
        const bool moved_in = top.events_valid && top.events_ready;
        const bool moved_out = top.outputs_valid;
        if (moved_out) {
            if (given == room) {
                top.events_valid = 0;
                return kOverflow;
            }
            int32_t *o = outputs + 3 * given++;
            o[0] = top.outputs_kind;
            o[1] = top.outputs_index;
            o[2] = static_cast<int32_t>(top.outputs_value);
            ended = ended || (o[0] == until && taken + moved_in == count);
        }
        taken += moved_in;
        device->tick();
        idle = moved_in || moved_out ? 0 : idle + 1;
        if (idle > patience) break;
    }
    top.events_valid = 0;
    return idle > patience ? kTimeout : given;
}

}  // extern "C"
