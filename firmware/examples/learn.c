/*
 * A processor next to the core trains it, on its own, to tell which of two inputs spiked first: 0 the second one, 1 neither (both at
 * about the same time), 2 the first one. Without delays no neuron can tell; it starts with none and learns them.
 *
 * Prints every sample with its prediction and scores, then test samples with all spikes, and what was learned.
 */
#include "board.h"

enum {
    NEURONS = 12, /* the most that this program holds a row of */
    CLASSES = 3,
    BLOCKS = 6,
    SAMPLES = 40,    /* in a block */
    TESTS = 6,       /* at the end, without learning */
    STEPS = 24,      /* of a sample */
    INTERVAL = 5,    /* steps between the inputs, */
    JITTER = 3,      /* which vary by that many values */
    FIRST_SPIKE = 6, /* earliest step of the first input's spike ... */
    SHIFTS = 4       /* ... and how many steps there are for it */
};

static ranvier_t core;
static int32_t values[NEURONS];

/* Stop here if something went wrong, and say what. */
static void must(ranvier_error_t error) {
    if (error == RANVIER_OK) return;
    print("error: ");
    print(ranvier_error_text(error));
    print("\n");
    for (;;) __asm__ volatile("ebreak");
}

/* A random array: `least` and up to `range` more. */
static void load_array(ranvier_array_t array, int32_t least, uint32_t range) {
    uint32_t rows, columns;
    must(ranvier_extent(&core, array, &rows, &columns));
    if (columns > NEURONS) must(RANVIER_E_ARGUMENT);
    for (uint32_t row = 0; row < rows; ++row) {
        for (uint32_t column = 0; column < columns; ++column) values[column] = least + (int32_t)random_below(range);
        must(ranvier_write(&core, array, row, 0, values, columns));
    }
}

static void load(void) {
    const ranvier_settings_t settings = {
        .alpha = 3277, /* 0.8 */
        .kappa = 3686, /* 0.9 */
        .eta = {.weight = {164, 14}, .delay = {128, 7}, .readout = {164, 12}},
        .seed = 12345,
    };
    must(ranvier_load_begin(&core));
    load_array(RANVIER_WEIGHT, 3000, 2000);
    load_array(RANVIER_DELAY, 0, 1);
    load_array(RANVIER_READOUT, -1000, 2000);
    must(ranvier_load_settings(&core, &settings));
    must(ranvier_load_end(&core));
}

static void print_row(ranvier_array_t array, uint32_t row, uint32_t columns) {
    must(ranvier_read(&core, array, row, 0, values, columns));
    for (uint32_t column = 0; column < columns; ++column) print_number(values[column]);
    print("\n");
}

static void print_array(const char *name, ranvier_array_t array) {
    uint32_t rows, columns;
    must(ranvier_extent(&core, array, &rows, &columns));
    for (uint32_t row = 0; row < rows; ++row) {
        print(name);
        print_number((int32_t)row);
        print(":");
        print_row(array, row, columns);
    }
}

/* The spikes of the step just run. */
static void print_spikes(uint32_t step) {
    uint32_t neurons[NEURONS];
    size_t count;
    must(ranvier_next_step(&core, neurons, NEURONS, &count));
    if (count == 0u) return;
    print("step");
    print_number((int32_t)step);
    print(":");
    for (size_t n = 0; n < count; ++n) print_number((int32_t)neurons[n]);
    print("\n");
}

/* A sample, and whether its class was predicted. */
static bool run(bool learn) {
    const uint32_t class = random_below(CLASSES);
    const uint32_t first = FIRST_SPIKE + random_below(SHIFTS);
    const uint32_t second = first + INTERVAL * class - INTERVAL + random_below(JITTER) - JITTER / 2;
    uint32_t prediction;
    must(ranvier_sample_begin(&core, learn, !learn));
    for (uint32_t step = 0; step < STEPS; ++step) {
        if (step == first) must(ranvier_spike(&core, 0));
        if (step == second) must(ranvier_spike(&core, 1));
        must(ranvier_step(&core, true, class));
        if (!learn) print_spikes(step);
    }
    must(ranvier_sample_end(&core, &prediction));
    print("class");
    print_number((int32_t)class);
    print(" prediction");
    print_number((int32_t)prediction);
    print(" scores");
    print_row(RANVIER_SCORE, 0, CLASSES);
    return prediction == class;
}

static void print_counters(void) {
    uint32_t counters[RANVIER_COUNTERS], cycles;
    must(ranvier_counters(&core, counters));
    must(ranvier_cycles(&core, &cycles));
    print("counters");
    for (uint32_t n = 0; n < RANVIER_COUNTERS; ++n) print_count(counters[n]);
    print("\nclocks: processor");
    print_count(clocks());
    print(", core busy");
    print_count(cycles);
    print("\n");
}

int main(void) {
    must(ranvier_open(&core, &board_bus, NULL));
    load();
    for (int block = 1; block <= BLOCKS; ++block) {
        int32_t correct = 0;
        for (int n = 0; n < SAMPLES; ++n) correct += run(true);
        print("block");
        print_number(block);
        print(":");
        print_number(correct);
        print(" of");
        print_number(SAMPLES);
        print(" correct\n");
    }
    for (int n = 0; n < TESTS; ++n) run(false);
    print_array("weight", RANVIER_WEIGHT);
    print_array("delay", RANVIER_DELAY);
    print_array("readout", RANVIER_READOUT);
    print_counters();
    print("done\n");
    return 0;
}
