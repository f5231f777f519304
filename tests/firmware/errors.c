/* What the driver says when things go wrong, and that a core works again after each of them. Prints how many checks passed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranvier.h"
#include "simulated_bus.h"

static int checks;

#define CHECK(condition)                                                             \
    do {                                                                             \
        ++checks;                                                                    \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: %s is wrong\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)
#define IS(error, call) CHECK((call) == (error))
#define OK(call) IS(RANVIER_OK, call)
#define BAD(call) IS(RANVIER_E_ARGUMENT, call)

/* ---- a bus between driver and core on which things go wrong */

enum fault { NONE, DROP_WRITE, REPEAT_WRITE, FLIP_WRITE, CUT };

static struct {
    Bus *bus;
    enum fault fault;
    int after;              /* accesses of its kind that still go well */
    bool silent;            /* errors that the core answers are not reported: as on a bus that has none */
    uint32_t changed, mask; /* a register that reads differently: its bits in `mask` ... */
    uint32_t shown;         /* ... are these */
} line;

static int report(int code) { return line.silent ? 0 : code; }

static int faulty_read(void *context, uint32_t address, uint32_t *word) {
    if (line.fault == CUT && line.after-- <= 0) return -7;
    const int code = read_word(context, address, word);
    if (line.mask && address == line.changed) *word = (*word & ~line.mask) | line.shown;
    return report(code);
}

static int faulty_write(void *context, uint32_t address, uint32_t word) {
    if (line.fault == NONE || line.after-- > 0) return report(write_word(context, address, word));
    switch (line.fault) {
        case CUT: return -7;
        case DROP_WRITE: line.fault = NONE; return 0;
        case FLIP_WRITE: line.fault = NONE; return report(write_word(context, address, word ^ 1u));
        case REPEAT_WRITE: line.fault = NONE; write_word(context, address, word); break;
        case NONE: break;
    }
    return report(write_word(context, address, word));
}

static void set_fault(enum fault fault, int after) {
    line.fault = fault;
    line.after = after;
}

static void show(uint32_t address, uint32_t mask, uint32_t shown) {
    line.changed = address;
    line.mask = mask;
    line.shown = shown;
}

static void show_truth(void) { show(0, 0, 0); }

/* ---- a network and a sample */

enum { STEPS = 12, WIDEST = 16 };

static ranvier_bus_t bus;
static uint32_t digest;
static int32_t expected_scores[WIDEST];

static ranvier_error_t load(ranvier_t *core) {
    static const ranvier_array_t arrays[] = {RANVIER_WEIGHT, RANVIER_DELAY, RANVIER_READOUT};
    const ranvier_settings_t settings = {3700, 0, 3600, {{200, 10}, {200, 4}, {200, 10}}, 99};
    ranvier_error_t error = ranvier_load_begin(core);
    for (size_t n = 0; error == RANVIER_OK && n < sizeof arrays / sizeof *arrays; ++n) {
        uint32_t rows, columns;
        OK(ranvier_extent(core, arrays[n], &rows, &columns));
        for (uint32_t row = 0; error == RANVIER_OK && row < rows; ++row) {
            int32_t values[WIDEST];
            for (uint32_t column = 0; column < columns; ++column) {
                values[column] = (int32_t)((row * 7919u + column * 104729u) % (arrays[n] == RANVIER_DELAY ? 384u : 3000u));
            }
            error = ranvier_write(core, arrays[n], row, 0, values, columns);
        }
    }
    if (error == RANVIER_OK) error = ranvier_load_settings(core, &settings);
    return error == RANVIER_OK ? ranvier_load_end(core) : error;
}

static ranvier_error_t spikes_and_steps(ranvier_t *core) {
    for (uint32_t step = 0; step < STEPS; ++step) {
        for (uint32_t unit = step % 2u; unit < core->shape.inputs; unit += 2u) {
            const ranvier_error_t error = ranvier_spike(core, unit);
            if (error != RANVIER_OK) return error;
        }
        const ranvier_error_t error = ranvier_step(core, true, 1u);
        if (error != RANVIER_OK) return error;
    }
    return RANVIER_OK;
}

static ranvier_error_t run(ranvier_t *core, bool learn) {
    ranvier_error_t error = ranvier_sample_begin(core, learn, false);
    if (error == RANVIER_OK) error = spikes_and_steps(core);
    return error == RANVIER_OK ? ranvier_sample_end(core, NULL) : error;
}

static ranvier_error_t sample(ranvier_t *core) { return run(core, true); }

static ranvier_error_t load_and_run(ranvier_t *core) {
    const ranvier_error_t error = load(core);
    return error == RANVIER_OK ? sample(core) : error;
}

/* The core does what it did the first time. */
static void check_works(ranvier_t *core) {
    int32_t scores[WIDEST];
    set_fault(NONE, 0);
    show_truth();
    OK(load_and_run(core));
    OK(ranvier_read(core, RANVIER_SCORE, 0, 0, scores, core->shape.outputs));
    CHECK(memcmp(scores, expected_scores, core->shape.outputs * sizeof *scores) == 0);
}

/* ---- the tests */

static void test_nulls(ranvier_t *core) {
    const ranvier_bus_t no_read = {NULL, faulty_write, NULL}, no_write = {faulty_read, NULL, NULL};
    uint32_t word, counters[RANVIER_COUNTERS];
    int32_t value;
    size_t count;
    bool busy;
    BAD(ranvier_open(NULL, &bus, NULL));
    BAD(ranvier_open(core, NULL, NULL));
    BAD(ranvier_open(core, &no_read, NULL));
    BAD(ranvier_open(core, &no_write, NULL));
    BAD(ranvier_extent(NULL, RANVIER_WEIGHT, &word, &word));
    BAD(ranvier_extent(core, RANVIER_WEIGHT, NULL, &word));
    BAD(ranvier_extent(core, RANVIER_WEIGHT, &word, NULL));
    BAD(ranvier_load_begin(NULL));
    BAD(ranvier_write(NULL, RANVIER_WEIGHT, 0, 0, &value, 1));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, 0, NULL, 1));
    BAD(ranvier_load_settings(NULL, NULL));
    BAD(ranvier_load_settings(core, NULL));
    BAD(ranvier_load_end(NULL));
    BAD(ranvier_set_step_sizes(NULL, NULL));
    BAD(ranvier_set_step_sizes(core, NULL));
    BAD(ranvier_set_seed(NULL, 1));
    BAD(ranvier_check(NULL));
    BAD(ranvier_read(NULL, RANVIER_WEIGHT, 0, 0, &value, 1));
    BAD(ranvier_read(core, RANVIER_WEIGHT, 0, 0, NULL, 1));
    BAD(ranvier_sample_begin(NULL, false, false));
    BAD(ranvier_spike(NULL, 0));
    BAD(ranvier_step(NULL, false, 0));
    BAD(ranvier_next_step(NULL, &word, 1, &count));
    BAD(ranvier_next_step(core, NULL, 1, &count));
    BAD(ranvier_sample_end(NULL, &word));
    BAD(ranvier_busy(NULL, &busy));
    BAD(ranvier_busy(core, NULL));
    BAD(ranvier_counters(NULL, counters));
    BAD(ranvier_counters(core, NULL));
    BAD(ranvier_cycles(NULL, &word));
    BAD(ranvier_cycles(core, NULL));
    BAD(ranvier_enable_interrupts(NULL, 0));
    BAD(ranvier_take_interrupts(NULL, &word));
    BAD(ranvier_take_interrupts(core, NULL));
    BAD(ranvier_take_errors(NULL, &word, &word));
    BAD(ranvier_take_errors(core, NULL, &word));
}

static void test_wrong_core(ranvier_t *core) {
    const uint32_t other = digest ^ 1u;
    IS(RANVIER_E_DIGEST, ranvier_open(core, &bus, &other));
    CHECK(core->expected == other && core->received == digest);
    show(RANVIER_REG_ID, RANVIER_ID_VERSION_MASK, RANVIER_INTERFACE_VERSION + 1u);
    IS(RANVIER_E_VERSION, ranvier_open(core, &bus, &digest));
    CHECK(core->expected == RANVIER_INTERFACE_VERSION && core->received == RANVIER_INTERFACE_VERSION + 1u);
    show(RANVIER_REG_ID, 0xffffffffu, 0xffffffffu); /* a bus on which nobody answers */
    IS(RANVIER_E_ID, ranvier_open(core, &bus, &digest));
    CHECK(core->expected == RANVIER_MAGIC && core->received == 0xffffffu);
    show_truth();
    OK(ranvier_open(core, &bus, NULL));
    OK(ranvier_open(core, &bus, &digest));
}

static void test_arguments(ranvier_t *core) {
    const ranvier_shape_t *shape = &core->shape;
    const int32_t weights[] = {-32768, 32767, -32769, 32768};
    const int32_t longest = (int32_t)(shape->max_delay << shape->delay_fraction), delays[] = {0, longest, -1, longest + 1};
    ranvier_settings_t settings = {4096, 0, 0, {{0, 0}, {0, 0}, {0, 0}}, 1};
    int32_t value;
    uint32_t accepted = core->checksum;
    BAD(ranvier_write(core, RANVIER_WEIGHT, shape->rows, 0, weights, 1));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, shape->neurons, weights, 1));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, shape->neurons - 1u, weights, 2));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, 0xffffffffu, weights, 2));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, 2, weights, SIZE_MAX));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, 0, weights + 2, 1));
    BAD(ranvier_write(core, RANVIER_WEIGHT, 0, 0, weights + 1, 3));
    BAD(ranvier_write(core, RANVIER_DELAY, 0, 0, delays + 2, 1));
    BAD(ranvier_write(core, RANVIER_DELAY, 0, 0, delays + 3, 1));
    BAD(ranvier_write(core, RANVIER_FEEDBACK, 0, 0, weights, 1)); /* this core has none */
    BAD(ranvier_write(core, RANVIER_POTENTIAL, 0, 0, weights, 1));
    BAD(ranvier_write(core, (ranvier_array_t)0, 0, 0, weights, 1));
    BAD(ranvier_read(core, (ranvier_array_t)1, 0, 0, &value, 1));
    BAD(ranvier_read(core, RANVIER_POTENTIAL, 1, 0, &value, 1));
    BAD(ranvier_load_settings(core, &settings));
    settings.alpha = 0;
    settings.beta = 1; /* this core's synapses have no current */
    BAD(ranvier_load_settings(core, &settings));
    settings.beta = 0;
    settings.kappa = 4096;
    BAD(ranvier_load_settings(core, &settings));
    settings.kappa = 0;
    settings.eta.delay.shift = 32;
    BAD(ranvier_load_settings(core, &settings));
    BAD(ranvier_set_step_sizes(core, &settings.eta));
    BAD(ranvier_spike(core, shape->inputs));
    BAD(ranvier_step(core, false, shape->outputs));
    BAD(ranvier_next_step(core, NULL, 0, NULL)); /* no step was run */
    CHECK(core->checksum == accepted);           /* nothing was written */
    OK(ranvier_write(core, RANVIER_WEIGHT, 0, 0, weights, 2));
    OK(ranvier_write(core, RANVIER_DELAY, 0, 0, delays, 2));
    OK(ranvier_write(core, RANVIER_WEIGHT, 0, shape->neurons, weights, 0));
    OK(ranvier_check(core));
    show(RANVIER_REG_FEATURES, RANVIER_FEATURES_LEARNING_MASK, 0);
    OK(ranvier_open(core, &bus, NULL));
    IS(RANVIER_E_UNSUPPORTED, ranvier_sample_begin(core, true, false));
    show_truth();
    OK(ranvier_open(core, &bus, &digest));
}

static void test_loading(ranvier_t *core) {
    ranvier_t again;
    uint32_t errors, address;
    OK(ranvier_load_begin(core));
    IS(RANVIER_E_LOADING, ranvier_sample_begin(core, false, false));
    IS(RANVIER_E_LOADING, ranvier_spike(core, 0));
    IS(RANVIER_E_LOADING, ranvier_sample_end(core, NULL));
    OK(ranvier_open(&again, &bus, &digest)); /* a new start of the processor does not make it complete */
    IS(RANVIER_E_LOADING, ranvier_step(&again, false, 0));
    again.loading = false; /* nor does a driver that forgets */
    IS(RANVIER_E_BUS, ranvier_step(&again, false, 0));
    CHECK(again.bus_code == 1 && again.bus_address == RANVIER_REG_EVENT);
    OK(ranvier_take_errors(&again, &errors, &address));
    CHECK(errors == RANVIER_ERROR_EVENT_MASK && address == RANVIER_REG_EVENT);
    check_works(core);
}

static void test_refused(ranvier_t *core) {
    uint32_t errors, address, word = 0;
    core->shape.inputs = 4000;
    OK(ranvier_sample_begin(core, false, false));
    IS(RANVIER_E_BUS, ranvier_spike(core, 3999));
    OK(ranvier_sample_end(core, NULL)); /* it was told, and everything else is well */
    line.silent = true;
    OK(ranvier_take_errors(core, &errors, &address));
    OK(ranvier_sample_begin(core, false, false));
    OK(ranvier_spike(core, 3999));
    IS(RANVIER_E_REFUSED, ranvier_sample_end(core, NULL));
    IS(RANVIER_E_LOADING, ranvier_sample_begin(core, false, false));
    OK(ranvier_take_errors(core, &errors, &address));
    CHECK(errors == RANVIER_ERROR_EVENT_MASK && address == RANVIER_REG_EVENT);
    line.silent = false;
    OK(ranvier_open(core, &bus, &digest));
    CHECK(bus.read(bus.context, RANVIER_SPACE_WEIGHT + 4u * core->shape.neurons, &word) == 1);
    CHECK(bus.write(bus.context, RANVIER_REG_DIGEST, 1) == 1);
    CHECK(bus.read(bus.context, RANVIER_SPAN, &word) == 1);
    OK(ranvier_take_errors(core, &errors, NULL));
    CHECK(errors == RANVIER_ERROR_ACCESS_MASK);
    OK(ranvier_take_errors(core, &errors, NULL));
    CHECK(errors == 0);
    check_works(core);
}

/*
 * Every `stride`-th write of loading and running, from the `first`, goes wrong without a word; it is always noticed. (Starting
 * the sum is the first: with another value, or twice, it does the same.)
 */
static void test_bad_writes(ranvier_t *core, enum fault fault, int first, int stride) {
    int noticed = 0;
    for (int n = first;; n += stride) {
        set_fault(fault, n);
        const ranvier_error_t error = load_and_run(core);
        if (line.fault != NONE) { /* there are fewer writes than that */
            set_fault(NONE, 0);
            OK(error);
            break;
        }
        if (error == RANVIER_OK) fprintf(stderr, "write %d went wrong unnoticed\n", n);
        CHECK(error == RANVIER_E_CHECKSUM || error == RANVIER_E_REFUSED || error == RANVIER_E_BUS);
        CHECK(ranvier_sample_begin(core, false, false) == RANVIER_E_LOADING || error == RANVIER_E_BUS);
        ++noticed;
    }
    CHECK(noticed > 10);
    check_works(core);
}

/* The bus is cut before each access of loading and running in turn; the driver says so at once, and what the bus said. */
static void test_cut_bus(ranvier_t *core, int stride) {
    int n = 0;
    for (;; n += stride) {
        set_fault(CUT, n);
        const ranvier_error_t error = load_and_run(core);
        if (error == RANVIER_OK) break;
        IS(RANVIER_E_BUS, error);
        CHECK(core->bus_code == -7 && core->bus_address < RANVIER_SPAN);
    }
    CHECK(n > 10 * stride);
    show(RANVIER_REG_CHECKSUM, 1u, ~core->checksum & 1u);
    set_fault(CUT, 1); /* a wrong sum, and then the core cannot be told: the driver remembers */
    IS(RANVIER_E_BUS, ranvier_check(core));
    show_truth();
    set_fault(NONE, 0);
    IS(RANVIER_E_LOADING, ranvier_sample_begin(core, false, false));
    set_fault(CUT, 0);
    IS(RANVIER_E_BUS, ranvier_open(core, &bus, &digest));
    set_fault(NONE, 0);
    OK(ranvier_open(core, &bus, &digest));
    check_works(core);
}

static void test_stuck(ranvier_t *core) {
    int32_t value;
    core->patience = 10;
    show(RANVIER_REG_STATUS, RANVIER_STATUS_BUSY_MASK, RANVIER_STATUS_BUSY_MASK);
    IS(RANVIER_E_TIMEOUT, ranvier_sample_begin(core, false, true));
    IS(RANVIER_E_TIMEOUT, ranvier_read(core, RANVIER_WEIGHT, 0, 0, &value, 1));
    IS(RANVIER_E_TIMEOUT, ranvier_next_step(core, NULL, 0, NULL));
    show_truth();
    OK(ranvier_sample_begin(core, false, false));
    show(RANVIER_REG_STATUS, RANVIER_STATUS_ROOM_MASK, 0);
    IS(RANVIER_E_TIMEOUT, ranvier_spike(core, 0));
    show(RANVIER_REG_STATUS, RANVIER_STATUS_BUSY_MASK, RANVIER_STATUS_BUSY_MASK);
    IS(RANVIER_E_TIMEOUT, ranvier_load_begin(core));
    IS(RANVIER_E_LOADING, ranvier_sample_begin(core, false, false)); /* loading began, and did not end */
    show(RANVIER_REG_OUTPUT, RANVIER_OUTPUT_VALID_MASK, RANVIER_OUTPUT_VALID_MASK);
    IS(RANVIER_E_TIMEOUT, ranvier_load_begin(core));
    show(RANVIER_REG_OUTPUT, RANVIER_OUTPUT_VALID_MASK | RANVIER_OUTPUT_KIND_MASK, RANVIER_OUTPUT_VALID_MASK);
    IS(RANVIER_E_TIMEOUT, ranvier_next_step(core, NULL, 0, NULL)); /* spikes without end */
    show_truth();
    core->patience = RANVIER_PATIENCE;
    OK(ranvier_load_begin(core));
    check_works(core);
    OK(ranvier_sample_begin(core, false, false));
    show(RANVIER_REG_SAMPLES, 0xffffffffu, core->samples + 2u);
    IS(RANVIER_E_SHARED, ranvier_sample_end(core, NULL));
    check_works(core);
}

static void test_overflow(ranvier_t *core) {
    enum { MANY = 1200 };
    uint32_t errors, prediction = 77;
    OK(ranvier_sample_begin(core, false, true));
    for (int step = 0; step < MANY; ++step) OK(ranvier_step(core, false, 0));
    IS(RANVIER_E_OVERFLOW, ranvier_next_step(core, NULL, 0, NULL));
    IS(RANVIER_E_OVERFLOW, ranvier_sample_end(core, &prediction));
    CHECK(prediction < core->shape.outputs);
    OK(ranvier_take_errors(core, &errors, NULL));
    CHECK(errors == RANVIER_ERROR_OVERFLOW_MASK);
    OK(ranvier_sample_begin(core, false, true)); /* the rest of the last sample is gone */
    BAD(ranvier_next_step(core, NULL, 0, NULL));
    OK(ranvier_step(core, false, 0));
    OK(ranvier_next_step(core, NULL, 0, NULL));
    OK(ranvier_sample_end(core, NULL));
}

static void test_abandoned(ranvier_t *core) {
    OK(load(core));
    OK(ranvier_sample_begin(core, false, false));
    OK(spikes_and_steps(core));
    OK(sample(core)); /* begins from cleared state all the same */
    int32_t scores[WIDEST];
    OK(ranvier_read(core, RANVIER_SCORE, 0, 0, scores, core->shape.outputs));
    CHECK(memcmp(scores, expected_scores, core->shape.outputs * sizeof *scores) == 0);
}

/* The bus is cut anywhere in a sample; once it works again, the next sample begins from cleared state. */
static void test_half_samples(ranvier_t *core) {
    int32_t first[WIDEST], scores[WIDEST];
    int halves = 0;
    OK(load(core));
    OK(run(core, false));
    OK(ranvier_read(core, RANVIER_SCORE, 0, 0, first, core->shape.outputs));
    for (int n = 0;; ++n) {
        set_fault(CUT, n);
        const ranvier_error_t error = run(core, false);
        set_fault(NONE, 0);
        if (error == RANVIER_OK) break;
        IS(RANVIER_E_BUS, error);
        OK(run(core, false));
        OK(ranvier_read(core, RANVIER_SCORE, 0, 0, scores, core->shape.outputs));
        CHECK(memcmp(scores, first, core->shape.outputs * sizeof *scores) == 0);
        ++halves;
    }
    CHECK(halves > STEPS);
}

/* Outputs that go to the stream, where nobody takes them: a sample ends in an error, loading mends it. */
static void test_stream(ranvier_t *core) {
    bus_take_outputs(line.bus, 0);
    OK(load(core));
    OK(ranvier_sample_begin(core, false, true));
    CHECK(bus.write(bus.context, RANVIER_REG_CONTROL, RANVIER_CONTROL_STREAM_MASK) == 0);
    OK(spikes_and_steps(core));
    core->patience = 1000;
    IS(RANVIER_E_TIMEOUT, ranvier_sample_end(core, NULL));
    IS(RANVIER_E_TIMEOUT, ranvier_sample_begin(core, false, false));
    core->patience = RANVIER_PATIENCE;
    check_works(core);
    bus_take_outputs(line.bus, 1);
}

static void test_interrupts(ranvier_t *core) {
    uint32_t causes, word;
    bool busy;
    OK(ranvier_take_interrupts(core, &causes));
    OK(ranvier_enable_interrupts(core, RANVIER_INTERRUPT_ENABLE_SAMPLE_DONE_MASK));
    CHECK(!bus_interrupt(line.bus));
    CHECK(bus.read(bus.context, RANVIER_REG_CLEAR, &word) == 1);
    CHECK(!bus_interrupt(line.bus)); /* errors are not enabled */
    OK(sample(core));
    CHECK(bus_interrupt(line.bus));
    OK(ranvier_take_interrupts(core, &causes));
    CHECK(causes == (RANVIER_INTERRUPT_PENDING_SAMPLE_DONE_MASK | RANVIER_INTERRUPT_PENDING_ERROR_MASK));
    CHECK(!bus_interrupt(line.bus));
    OK(ranvier_enable_interrupts(core, RANVIER_INTERRUPT_ENABLE_ERROR_MASK));
    CHECK(bus.read(bus.context, RANVIER_REG_CLEAR, &word) == 1);
    CHECK(bus_interrupt(line.bus));
    OK(ranvier_take_interrupts(core, &causes));
    CHECK(causes == RANVIER_INTERRUPT_PENDING_ERROR_MASK && !bus_interrupt(line.bus));
    OK(ranvier_sample_begin(core, false, false));
    OK(ranvier_step(core, false, 0));
    OK(ranvier_busy(core, &busy));
    CHECK(busy);
    OK(ranvier_sample_end(core, NULL));
    OK(ranvier_busy(core, &busy));
    CHECK(!busy);
}

/* A sample takes no more scored steps than a score can hold, and goes on without them. */
static void test_too_many_scored_steps(ranvier_t *core) {
    CHECK(core->shape.max_scored > 1000);
    show(RANVIER_REG_LIMITS, 0xffffffffu, 2);
    OK(ranvier_open(core, &bus, &digest));
    show_truth();
    for (int sample = 0; sample < 2; ++sample) {
        OK(ranvier_sample_begin(core, false, false));
        OK(ranvier_step(core, true, 0));
        OK(ranvier_step(core, true, 0));
        IS(RANVIER_E_SCORED, ranvier_step(core, true, 0));
        OK(ranvier_step(core, false, 0));
        OK(ranvier_sample_end(core, NULL));
    }
    OK(ranvier_open(core, &bus, &digest));
    check_works(core);
}

static void test_texts(void) {
    for (int error = RANVIER_OK; error <= RANVIER_E_SCORED; ++error) {
        CHECK(strcmp(ranvier_error_text((ranvier_error_t)error), "unknown error") != 0);
    }
    CHECK(strcmp(ranvier_error_text((ranvier_error_t)(RANVIER_E_SCORED + 1)), "unknown error") == 0);
}

int main(int count, char **arguments) {
    ranvier_t core;
    uint32_t counters[RANVIER_COUNTERS], cycles;
    if (count != 2) return 2;
    digest = (uint32_t)strtoul(arguments[1], NULL, 10);
    line.bus = bus_open();
    bus = (ranvier_bus_t){faulty_read, faulty_write, line.bus};
    OK(ranvier_open(&core, &bus, &digest));
    OK(load_and_run(&core));
    OK(ranvier_read(&core, RANVIER_SCORE, 0, 0, expected_scores, core.shape.outputs));
    OK(ranvier_counters(&core, counters));
    OK(ranvier_cycles(&core, &cycles));
    CHECK(counters[RANVIER_COUNTER_SPIKES] > 10 && cycles > STEPS);
    check_works(&core);
    test_nulls(&core);
    test_wrong_core(&core);
    test_arguments(&core);
    test_loading(&core);
    test_refused(&core);
    test_bad_writes(&core, DROP_WRITE, 0, 1);
    test_bad_writes(&core, FLIP_WRITE, 1, 3);
    test_bad_writes(&core, REPEAT_WRITE, 1, 3);
    test_cut_bus(&core, 7);
    test_stuck(&core);
    test_overflow(&core);
    test_abandoned(&core);
    test_half_samples(&core);
    test_stream(&core);
    test_interrupts(&core);
    test_too_many_scored_steps(&core);
    test_texts();
    bus_close(line.bus);
    printf("%d\n", checks);
    return 0;
}
