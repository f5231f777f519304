/* Runs the example of firmware/README.md on the simulated peripheral: a sample, and what was predicted and learned. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ranvier.h"
#include "simulated_bus.h"

ranvier_error_t start(ranvier_t *core, const ranvier_bus_t *bus, const int32_t *weight, const int32_t *delay,
                      const int32_t *readout, const ranvier_settings_t *settings);
ranvier_error_t learn(ranvier_t *core, const uint32_t *unit, uint32_t steps, uint32_t label, uint32_t *prediction);

enum { MOST = 4096 };

static long number(void) {
    long n;
    if (scanf("%ld", &n) != 1) exit(2);
    return n;
}

int main(void) {
    static int32_t arrays[3][MOST];
    static uint32_t units[MOST];
    const ranvier_settings_t settings = {3700, 0, 3600, {{200, 10}, {200, 4}, {200, 10}}, 99};
    const ranvier_bus_t bus = {read_word, write_word, bus_open()};
    ranvier_t core;
    uint32_t prediction;
    for (int n = 0; n < 3; ++n) {
        const long count = number();
        for (long i = 0; i < count; ++i) arrays[n][i] = (int32_t)number();
    }
    const uint32_t steps = (uint32_t)number();
    for (uint32_t n = 0; n < steps; ++n) units[n] = (uint32_t)number();
    if (start(&core, &bus, arrays[0], arrays[1], arrays[2], &settings) != RANVIER_OK) return 1;
    if (learn(&core, units, steps, 1, &prediction) != RANVIER_OK) return 1;
    printf("%" PRIu32, prediction);
    for (uint32_t row = 0; row < core.shape.rows; ++row) {
        if (ranvier_read(&core, RANVIER_DELAY, row, 0, arrays[0], core.shape.neurons) != RANVIER_OK) return 1;
        for (uint32_t n = 0; n < core.shape.neurons; ++n) printf(" %" PRId32, arrays[0][n]);
    }
    bus_close(bus.context);
    return 0;
}
