/* Does with the driver what the standard input says, and prints what the core answers, one line per array. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ranvier.h"
#include "simulated_bus.h"

enum { WIDEST = 4096 };

static ranvier_t core;
static int32_t values[WIDEST];
static uint32_t neurons[WIDEST];

static void must(ranvier_error_t error, const char *what) {
    if (error == RANVIER_OK) return;
    fprintf(stderr, "%s: %s\n", what, ranvier_error_text(error));
    exit(1);
}

static int64_t number(void) {
    int64_t n;
    if (scanf("%" SCNd64, &n) != 1) exit(2);
    return n;
}

static uint32_t natural(void) { return (uint32_t)number(); }

static ranvier_step_size_t step_size(void) {
    const uint8_t mantissa = (uint8_t)number(), shift = (uint8_t)number();
    return (ranvier_step_size_t){mantissa, shift};
}

static ranvier_step_sizes_t step_sizes(void) {
    const ranvier_step_size_t weight = step_size(), delay = step_size(), readout = step_size();
    return (ranvier_step_sizes_t){weight, delay, readout};
}

static const struct {
    const char *name;
    ranvier_array_t array;
} ARRAYS[] = {
    {"weight", RANVIER_WEIGHT}, {"delay", RANVIER_DELAY}, {"readout", RANVIER_READOUT}, {"feedback", RANVIER_FEEDBACK},
}, STATE[] = {
    {"potential", RANVIER_POTENTIAL}, {"spikes", RANVIER_SPIKED}, {"readout", RANVIER_READOUT_VALUE},
    {"trace", RANVIER_TRACE}, {"surrogate", RANVIER_SURROGATE}, {"readout_trace", RANVIER_READOUT_TRACE},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Read an array in two pieces, print it in one line. */
static void print(const char *name, ranvier_array_t array) {
    uint32_t rows, columns;
    must(ranvier_extent(&core, array, &rows, &columns), name);
    printf("%s", name);
    for (uint32_t row = 0; row < rows; ++row) {
        const uint32_t half = columns / 2;
        must(ranvier_read(&core, array, row, 0, values, half), name);
        must(ranvier_read(&core, array, row, half, values + half, columns - half), name);
        for (uint32_t column = 0; column < columns; ++column) printf(" %" PRId32, values[column]);
    }
    printf("\n");
}

static void load(void) {
    must(ranvier_load_begin(&core), "load_begin");
    for (size_t n = 0; n < COUNT(ARRAYS); ++n) {
        uint32_t rows, columns;
        must(ranvier_extent(&core, ARRAYS[n].array, &rows, &columns), "extent");
        for (uint32_t row = 0; row < rows; ++row) {
            for (uint32_t column = 0; column < columns; ++column) values[column] = (int32_t)number();
            must(ranvier_write(&core, ARRAYS[n].array, row, 0, values, columns), ARRAYS[n].name);
        }
    }
    ranvier_settings_t settings;
    settings.alpha = natural();
    settings.beta = natural();
    settings.kappa = natural();
    settings.eta = step_sizes();
    settings.seed = natural();
    must(ranvier_load_settings(&core, &settings), "settings");
    must(ranvier_load_end(&core), "load_end");
}

/* learn, report, state after every step, target, steps; for each step: scored, spikes, units. */
static void sample(void) {
    const bool learn = number(), report = number(), state = number();
    const uint32_t target = natural(), steps = natural();
    uint32_t prediction, counters[RANVIER_COUNTERS];
    must(ranvier_sample_begin(&core, learn, report), "sample_begin");
    for (uint32_t step = 0; step < steps; ++step) {
        const bool scored = number();
        for (uint32_t left = natural(); left > 0; --left) must(ranvier_spike(&core, natural()), "spike");
        must(ranvier_step(&core, scored, target), "step");
        for (size_t n = 0; state && n < COUNT(STATE); ++n) print(STATE[n].name, STATE[n].array);
        if (report) {
            size_t count;
            must(ranvier_next_step(&core, neurons, WIDEST, &count), "next_step");
            printf("fired");
            for (size_t n = 0; n < count; ++n) printf(" %" PRIu32, neurons[n]);
            printf("\n");
        }
    }
    must(ranvier_sample_end(&core, &prediction), "sample_end");
    printf("prediction %" PRIu32 "\n", prediction);
    print("scores", RANVIER_SCORE);
    must(ranvier_counters(&core, counters), "counters");
    printf("counters");
    for (size_t n = 0; n < RANVIER_COUNTERS; ++n) printf(" %" PRIu32, counters[n]);
    printf("\n");
}

int main(void) {
    Bus *bus = bus_open();
    const ranvier_bus_t functions = {read_word, write_word, bus};
    const uint32_t digest = natural();
    char command;
    must(ranvier_open(&core, &functions, &digest), "open");
    while (scanf(" %c", &command) == 1) {
        if (command == 'l') load();
        if (command == 's') sample();
        if (command == 'e') {
            const ranvier_step_sizes_t eta = step_sizes();
            must(ranvier_set_step_sizes(&core, &eta), "set_step_sizes");
        }
        if (command == 'd') {
            for (size_t n = 0; n < COUNT(ARRAYS); ++n) print(ARRAYS[n].name, ARRAYS[n].array);
        }
    }
    bus_close(bus);
    return 0;
}
