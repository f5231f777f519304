/* Driver for a Ranvier core; see ranvier.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ranvier.h"

/* Field of a register word, and a value in the place of a field. */
#define GET(word, field) (((word) & RANVIER_##field##_MASK) >> RANVIER_##field##_SHIFT)
#define PUT(value, field) ((uint32_t)(value) << RANVIER_##field##_SHIFT)

/* Leave with the error of a call, if it has one. */
#define TRY(call)                          \
    do {                                   \
        const ranvier_error_t e_ = (call); \
        if (e_ != RANVIER_OK) return e_;   \
    } while (0)

#define WORD 4u /* bytes */
#define ALL 0xffffffffu

/* ---- the bus */

static ranvier_error_t bus_failed(ranvier_t *core, uint32_t address, int code) {
    core->bus_code = code;
    core->bus_address = address;
    return RANVIER_E_BUS;
}

static ranvier_error_t get(ranvier_t *core, uint32_t address, uint32_t *word) {
    const int code = core->bus.read(core->bus.context, address, word);
    return code == 0 ? RANVIER_OK : bus_failed(core, address, code);
}

/* CRC-32 as in zlib, carried on over a little-endian word, four bits at a time. */
static uint32_t add_to_checksum(uint32_t checksum, uint32_t word) {
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
    };
    uint32_t sum = checksum ^ ALL ^ word;
    for (int nibble = 0; nibble < 8; ++nibble) sum = (sum >> 4) ^ table[sum & 15u];
    return sum ^ ALL;
}

static ranvier_error_t put(ranvier_t *core, uint32_t address, uint32_t word) {
    const int code = core->bus.write(core->bus.context, address, word);
    if (code != 0) return bus_failed(core, address, code);
    core->checksum = add_to_checksum(add_to_checksum(core->checksum, address), word);
    return RANVIER_OK;
}

static ranvier_error_t start_checksum(ranvier_t *core) {
    TRY(put(core, RANVIER_REG_CHECKSUM, 0u));
    core->checksum = 0u;
    return RANVIER_OK;
}

static ranvier_error_t expect(ranvier_t *core, uint32_t expected, uint32_t received, ranvier_error_t otherwise) {
    if (expected == received) return RANVIER_OK;
    core->expected = expected;
    core->received = received;
    return otherwise;
}

/* ---- waiting */

static ranvier_error_t wait_until_idle(ranvier_t *core) {
    for (uint32_t polls = 0u; polls < core->patience; ++polls) {
        uint32_t status;
        TRY(get(core, RANVIER_REG_STATUS, &status));
        if (!GET(status, STATUS_BUSY)) return RANVIER_OK;
    }
    return RANVIER_E_TIMEOUT;
}

static ranvier_error_t wait_for_room(ranvier_t *core) {
    for (uint32_t polls = 0u; core->room == 0u; ++polls) {
        uint32_t status;
        if (polls == core->patience) return RANVIER_E_TIMEOUT;
        TRY(get(core, RANVIER_REG_STATUS, &status));
        core->room = GET(status, STATUS_ROOM);
    }
    return RANVIER_OK;
}

static ranvier_error_t discard_outputs(ranvier_t *core) {
    for (uint32_t polls = 0u; polls < core->patience; ++polls) {
        uint32_t output;
        TRY(get(core, RANVIER_REG_OUTPUT, &output));
        if (!GET(output, OUTPUT_VALID)) return RANVIER_OK;
    }
    return RANVIER_E_TIMEOUT;
}

static ranvier_error_t put_event(ranvier_t *core, uint32_t kind, bool scored, uint32_t index) {
    TRY(wait_for_room(core));
    core->dirty = true; /* also if it fails: it may have arrived */
    TRY(put(core, RANVIER_REG_EVENT, PUT(kind, EVENT_KIND) | PUT(scored, EVENT_SCORED) | PUT(index, EVENT_INDEX)));
    --core->room;
    return RANVIER_OK;
}

static ranvier_error_t give(ranvier_t *core, uint32_t kind, bool scored, uint32_t index) {
    return core->loading ? RANVIER_E_LOADING : put_event(core, kind, scored, index);
}

/* Clear the core's state, once it has handled all events, from this driver or another. */
static ranvier_error_t reset(ranvier_t *core) {
    TRY(wait_until_idle(core));
    core->room = 0u; /* read again: this driver did not count events of others */
    TRY(put_event(core, RANVIER_EVENT_RESET, false, 0u));
    TRY(wait_until_idle(core));
    core->dirty = false;
    return RANVIER_OK;
}

/* Whether the core refuses events. It sends no outputs to its stream then, which may have no reader. */
static ranvier_error_t refuse_events(ranvier_t *core, bool loading) {
    return put(core, RANVIER_REG_CONTROL, PUT(loading, CONTROL_LOADING));
}

/* ---- what fits */

static bool step_size_fits(ranvier_step_size_t eta) {
    return eta.shift <= RANVIER_ETA_WEIGHT_SHIFT_MASK >> RANVIER_ETA_WEIGHT_SHIFT_SHIFT;
}

static bool step_sizes_fit(const ranvier_step_sizes_t *eta) {
    return step_size_fits(eta->weight) && step_size_fits(eta->delay) && step_size_fits(eta->readout);
}

static bool has_rows(ranvier_array_t array) {
    return array == RANVIER_WEIGHT || array == RANVIER_DELAY || array == RANVIER_READOUT || array == RANVIER_FEEDBACK;
}

static bool value_fits(const ranvier_t *core, ranvier_array_t array, int32_t value) {
    const ranvier_shape_t *shape = &core->shape;
    const int32_t bound = (int32_t)(UINT32_C(1) << (shape->weight_width - 1u));
    if (array == RANVIER_DELAY) return value >= 0 && (uint32_t)value <= shape->max_delay << shape->delay_fraction;
    return -bound <= value && value < bound;
}

/* Whether the core has `count` values of a row from column `first`. */
static bool inside(const ranvier_t *core, ranvier_array_t array, uint32_t row, uint32_t first, size_t count) {
    uint32_t rows, columns;
    if (ranvier_extent(core, array, &rows, &columns) != RANVIER_OK) return false;
    return row < rows && first <= columns && count <= columns - first;
}

/* Have the windows show a row; `address` is then that of its column `first`. */
static ranvier_error_t show(ranvier_t *core, ranvier_array_t array, uint32_t row, uint32_t first, uint32_t *address) {
    *address = (uint32_t)array + WORD * first;
    return has_rows(array) ? put(core, RANVIER_REG_ROW, row) : RANVIER_OK;
}

/* ---- opening */

const char *ranvier_error_text(ranvier_error_t error) {
    switch (error) {
        case RANVIER_OK: return "no error";
        case RANVIER_E_ARGUMENT: return "a null pointer, or a number that this core has no place for";
        case RANVIER_E_BUS: return "the bus failed, or the core refused an access";
        case RANVIER_E_ID: return "no Ranvier core answers: check the address and the bitstream";
        case RANVIER_E_VERSION: return "the core has registers of another version: use the driver of its release";
        case RANVIER_E_DIGEST: return "the core was built from another configuration than expected";
        case RANVIER_E_LOADING: return "no complete network is loaded: load one";
        case RANVIER_E_CHECKSUM: return "not all that was written arrived: check the bus, then load the network again";
        case RANVIER_E_REFUSED: return "the core refused a write: see its error register, then load the network again";
        case RANVIER_E_OVERFLOW: return "outputs were dropped: read them more often";
        case RANVIER_E_TIMEOUT: return "the core is still busy: reset it";
        case RANVIER_E_UNSUPPORTED: return "this core was built without it";
        case RANVIER_E_SHARED: return "somebody else uses the core";
        case RANVIER_E_SCORED: return "the sample has more scored steps than a score can hold: score fewer";
    }
    return "unknown error";
}

/* The constants of the core. */
static ranvier_error_t read_shape(ranvier_t *core) {
    ranvier_shape_t *shape = &core->shape;
    uint32_t sizes, features, formats;
    TRY(get(core, RANVIER_REG_DIGEST, &shape->digest));
    TRY(get(core, RANVIER_REG_SHAPE, &sizes));
    TRY(get(core, RANVIER_REG_FEATURES, &features));
    TRY(get(core, RANVIER_REG_FORMATS, &formats));
    TRY(get(core, RANVIER_REG_LIMITS, &shape->max_scored));
    shape->inputs = GET(sizes, SHAPE_INPUTS);
    shape->neurons = GET(sizes, SHAPE_NEURONS);
    shape->outputs = GET(features, FEATURES_OUTPUTS);
    shape->delays = GET(features, FEATURES_DELAYS);
    shape->max_delay = GET(features, FEATURES_MAX_DELAY);
    shape->delay_fraction = GET(features, FEATURES_DELAY_FRACTION);
    shape->recurrent = GET(features, FEATURES_RECURRENT) != 0u;
    shape->learning = GET(features, FEATURES_LEARNING) != 0u;
    shape->random_feedback = GET(features, FEATURES_RANDOM_FEEDBACK) != 0u;
    shape->exponential = GET(features, FEATURES_EXPONENTIAL) != 0u;
    shape->dormant = GET(features, FEATURES_DORMANT) != 0u;
    shape->weight_width = GET(formats, FORMATS_WEIGHT_WIDTH);
    shape->weight_fraction = GET(formats, FORMATS_WEIGHT_FRACTION);
    shape->decay_width = GET(formats, FORMATS_DECAY_WIDTH);
    shape->rows = shape->inputs + (shape->recurrent ? shape->neurons : 0u);
    return RANVIER_OK;
}

ranvier_error_t ranvier_open(ranvier_t *core, const ranvier_bus_t *bus, const uint32_t *digest) {
    static const ranvier_t closed = {.patience = RANVIER_PATIENCE, .dirty = true};
    uint32_t id, status;
    if (core == NULL || bus == NULL || bus->read == NULL || bus->write == NULL) return RANVIER_E_ARGUMENT;
    *core = closed;
    core->bus = *bus;
    TRY(get(core, RANVIER_REG_ID, &id));
    TRY(expect(core, RANVIER_MAGIC, GET(id, ID_MAGIC), RANVIER_E_ID));
    TRY(expect(core, RANVIER_INTERFACE_VERSION, GET(id, ID_VERSION), RANVIER_E_VERSION));
    TRY(read_shape(core));
    if (digest != NULL) TRY(expect(core, *digest, core->shape.digest, RANVIER_E_DIGEST));
    TRY(get(core, RANVIER_REG_STATUS, &status));
    core->loading = GET(status, STATUS_LOADING) != 0u;
    return get(core, RANVIER_REG_CHECKSUM, &core->checksum);
}

ranvier_error_t ranvier_extent(const ranvier_t *core, ranvier_array_t array, uint32_t *rows, uint32_t *columns) {
    if (core == NULL || rows == NULL || columns == NULL) return RANVIER_E_ARGUMENT;
    const ranvier_shape_t *shape = &core->shape;
    const bool delays = shape->delays != RANVIER_DELAYS_NONE, synaptic = shape->delays == RANVIER_DELAYS_SYNAPTIC;
    *rows = 1u;
    *columns = shape->neurons;
    switch (array) {
        case RANVIER_WEIGHT: *rows = shape->rows; break;
        case RANVIER_DELAY: *rows = delays ? shape->rows : 0u; *columns = synaptic ? shape->neurons : delays; break;
        case RANVIER_READOUT: *rows = shape->neurons; *columns = shape->outputs; break;
        case RANVIER_FEEDBACK: *rows = shape->random_feedback ? shape->neurons : 0u; *columns = shape->outputs; break;
        case RANVIER_POTENTIAL:
        case RANVIER_SPIKED: break;
        case RANVIER_SURROGATE:
        case RANVIER_READOUT_TRACE: *rows = shape->learning; break;
        case RANVIER_READOUT_VALUE:
        case RANVIER_SCORE: *columns = shape->outputs; break;
        case RANVIER_TRACE: *rows = shape->learning; *columns = shape->rows; break;
        default: return RANVIER_E_ARGUMENT;
    }
    return RANVIER_OK;
}

/* ---- loading */

ranvier_error_t ranvier_load_begin(ranvier_t *core) {
    if (core == NULL) return RANVIER_E_ARGUMENT;
    core->loading = true; /* until ranvier_load_end, whatever happens */
    TRY(start_checksum(core));
    TRY(refuse_events(core, false)); /* a core that waits for its outputs to be read continues */
    TRY(reset(core));
    TRY(refuse_events(core, true));
    TRY(put(core, RANVIER_REG_ERROR, ALL));
    return discard_outputs(core);
}

ranvier_error_t ranvier_write(ranvier_t *core, ranvier_array_t array, uint32_t row, uint32_t first, const int32_t *values,
                              size_t count) {
    uint32_t address;
    if (core == NULL || values == NULL || !has_rows(array) || !inside(core, array, row, first, count)) {
        return RANVIER_E_ARGUMENT;
    }
    for (size_t n = 0u; n < count; ++n) {
        if (!value_fits(core, array, values[n])) return RANVIER_E_ARGUMENT;
    }
    TRY(wait_until_idle(core));
    TRY(show(core, array, row, first, &address));
    for (size_t n = 0u; n < count; ++n, address += WORD) TRY(put(core, address, (uint32_t)values[n]));
    return RANVIER_OK;
}

static ranvier_error_t put_step_size(ranvier_t *core, uint32_t address, ranvier_step_size_t eta) {
    return put(core, address, PUT(eta.mantissa, ETA_WEIGHT_MANTISSA) | PUT(eta.shift, ETA_WEIGHT_SHIFT));
}

static ranvier_error_t put_step_sizes(ranvier_t *core, const ranvier_step_sizes_t *eta) {
    TRY(wait_until_idle(core));
    TRY(put_step_size(core, RANVIER_REG_ETA_WEIGHT, eta->weight));
    TRY(put_step_size(core, RANVIER_REG_ETA_DELAY, eta->delay));
    return put_step_size(core, RANVIER_REG_ETA_READOUT, eta->readout);
}

ranvier_error_t ranvier_load_settings(ranvier_t *core, const ranvier_settings_t *settings) {
    if (core == NULL || settings == NULL || !step_sizes_fit(&settings->eta)) return RANVIER_E_ARGUMENT;
    const uint32_t decays = settings->alpha | settings->beta | settings->kappa;
    if (decays >> core->shape.decay_width || (settings->beta && !core->shape.exponential)) return RANVIER_E_ARGUMENT;
    TRY(wait_until_idle(core));
    TRY(put(core, RANVIER_REG_ALPHA, settings->alpha));
    TRY(put(core, RANVIER_REG_BETA, settings->beta));
    TRY(put(core, RANVIER_REG_KAPPA, settings->kappa));
    TRY(put_step_sizes(core, &settings->eta));
    return put(core, RANVIER_REG_SEED, settings->seed);
}

ranvier_error_t ranvier_load_end(ranvier_t *core) {
    if (core == NULL) return RANVIER_E_ARGUMENT;
    TRY(put(core, RANVIER_REG_CLEAR, 0u));
    TRY(ranvier_check(core));
    TRY(refuse_events(core, false));
    TRY(ranvier_check(core));
    core->loading = false;
    return RANVIER_OK;
}

ranvier_error_t ranvier_set_step_sizes(ranvier_t *core, const ranvier_step_sizes_t *eta) {
    if (core == NULL || eta == NULL || !step_sizes_fit(eta)) return RANVIER_E_ARGUMENT;
    TRY(put_step_sizes(core, eta));
    return ranvier_check(core);
}

ranvier_error_t ranvier_set_seed(ranvier_t *core, uint32_t seed) {
    if (core == NULL) return RANVIER_E_ARGUMENT;
    TRY(wait_until_idle(core));
    TRY(put(core, RANVIER_REG_SEED, seed));
    return ranvier_check(core);
}

ranvier_error_t ranvier_check(ranvier_t *core) {
    uint32_t received, errors;
    if (core == NULL) return RANVIER_E_ARGUMENT;
    TRY(get(core, RANVIER_REG_CHECKSUM, &received));
    const ranvier_error_t differs = expect(core, core->checksum, received, RANVIER_E_CHECKSUM);
    if (differs == RANVIER_OK) return RANVIER_OK;
    core->loading = true; /* whether or not the core can be told */
    TRY(refuse_events(core, true));
    TRY(get(core, RANVIER_REG_ERROR, &errors));
    const uint32_t refused = errors & (RANVIER_ERROR_ACCESS_MASK | RANVIER_ERROR_EVENT_MASK);
    return refused ? RANVIER_E_REFUSED : differs;
}

ranvier_error_t ranvier_read(ranvier_t *core, ranvier_array_t array, uint32_t row, uint32_t first, int32_t *values,
                             size_t count) {
    uint32_t address;
    if (core == NULL || values == NULL || !inside(core, array, row, first, count)) return RANVIER_E_ARGUMENT;
    TRY(wait_until_idle(core));
    TRY(show(core, array, row, first, &address));
    for (size_t n = 0u; n < count; ++n, address += WORD) {
        uint32_t word;
        TRY(get(core, address, &word));
        values[n] = (int32_t)word;
    }
    return RANVIER_OK;
}

/* ---- running */

ranvier_error_t ranvier_sample_begin(ranvier_t *core, bool learn, bool report) {
    if (core == NULL) return RANVIER_E_ARGUMENT;
    if (core->loading) return RANVIER_E_LOADING;
    if (learn && !core->shape.learning) return RANVIER_E_UNSUPPORTED;
    TRY(core->dirty ? reset(core) : wait_until_idle(core));
    core->room = core->scored = 0u;
    TRY(put(core, RANVIER_REG_MODE, PUT(learn, MODE_LEARN) | PUT(report, MODE_REPORT)));
    if (report) TRY(discard_outputs(core));
    TRY(get(core, RANVIER_REG_OVERFLOWS, &core->overflows));
    return get(core, RANVIER_REG_SAMPLES, &core->samples);
}

ranvier_error_t ranvier_spike(ranvier_t *core, uint32_t unit) {
    if (core == NULL || unit >= core->shape.inputs) return RANVIER_E_ARGUMENT;
    return give(core, RANVIER_EVENT_SPIKE, false, unit);
}

ranvier_error_t ranvier_step(ranvier_t *core, bool scored, uint32_t target) {
    if (core == NULL || target >= core->shape.outputs) return RANVIER_E_ARGUMENT;
    if (scored && core->scored == core->shape.max_scored) return RANVIER_E_SCORED;
    TRY(give(core, RANVIER_EVENT_STEP, scored, target));
    core->scored += scored;
    return RANVIER_OK;
}

/* RANVIER_E_OVERFLOW if outputs of this sample were dropped. */
static ranvier_error_t check_overflow(ranvier_t *core) {
    uint32_t overflows;
    TRY(get(core, RANVIER_REG_OVERFLOWS, &overflows));
    return overflows == core->overflows ? RANVIER_OK : RANVIER_E_OVERFLOW;
}

ranvier_error_t ranvier_next_step(ranvier_t *core, uint32_t *neurons, size_t capacity, size_t *count) {
    size_t spikes = 0u;
    if (core == NULL || (neurons == NULL && capacity > 0u)) return RANVIER_E_ARGUMENT;
    for (uint32_t polls = 0u; polls < core->patience; ++polls) {
        uint32_t output, status;
        TRY(get(core, RANVIER_REG_OUTPUT, &output));
        if (!GET(output, OUTPUT_VALID)) {
            TRY(get(core, RANVIER_REG_STATUS, &status));
            if (!GET(status, STATUS_BUSY) && !GET(status, STATUS_WAITING)) { /* nothing can come any more */
                TRY(check_overflow(core));
                return RANVIER_E_ARGUMENT;
            }
        } else if (GET(output, OUTPUT_KIND) == RANVIER_OUTPUT_STEP) {
            if (count != NULL) *count = spikes;
            return check_overflow(core);
        } else {
            if (spikes < capacity) neurons[spikes] = GET(output, OUTPUT_INDEX);
            ++spikes;
        }
    }
    return RANVIER_E_TIMEOUT;
}

ranvier_error_t ranvier_sample_end(ranvier_t *core, uint32_t *prediction) {
    uint32_t samples, winner;
    if (core == NULL) return RANVIER_E_ARGUMENT;
    TRY(give(core, RANVIER_EVENT_END, false, 0u));
    TRY(wait_until_idle(core));
    TRY(ranvier_check(core));
    TRY(get(core, RANVIER_REG_SAMPLES, &samples));
    if (samples - core->samples != UINT32_C(1)) return RANVIER_E_SHARED; /* modulo 2^32, as it wraps */
    core->dirty = false;
    TRY(get(core, RANVIER_REG_PREDICTION, &winner));
    if (prediction != NULL) *prediction = winner;
    return check_overflow(core);
}

ranvier_error_t ranvier_busy(ranvier_t *core, bool *busy) {
    uint32_t status;
    if (core == NULL || busy == NULL) return RANVIER_E_ARGUMENT;
    TRY(get(core, RANVIER_REG_STATUS, &status));
    *busy = GET(status, STATUS_BUSY) != 0u;
    return RANVIER_OK;
}

/* ---- counters, interrupts, errors */

ranvier_error_t ranvier_counters(ranvier_t *core, uint32_t counters[RANVIER_COUNTERS]) {
    if (core == NULL || counters == NULL) return RANVIER_E_ARGUMENT;
    TRY(wait_until_idle(core));
    for (uint32_t n = 0u; n < RANVIER_COUNTERS; ++n) TRY(get(core, RANVIER_REG_COUNTER + WORD * n, &counters[n]));
    return RANVIER_OK;
}

ranvier_error_t ranvier_cycles(ranvier_t *core, uint32_t *cycles) {
    if (core == NULL || cycles == NULL) return RANVIER_E_ARGUMENT;
    TRY(wait_until_idle(core));
    return get(core, RANVIER_REG_CYCLES, cycles);
}

ranvier_error_t ranvier_enable_interrupts(ranvier_t *core, uint32_t causes) {
    if (core == NULL) return RANVIER_E_ARGUMENT;
    return put(core, RANVIER_REG_INTERRUPT_ENABLE, causes);
}

ranvier_error_t ranvier_take_interrupts(ranvier_t *core, uint32_t *causes) {
    if (core == NULL || causes == NULL) return RANVIER_E_ARGUMENT;
    TRY(get(core, RANVIER_REG_INTERRUPT_PENDING, causes));
    return put(core, RANVIER_REG_INTERRUPT_PENDING, *causes);
}

ranvier_error_t ranvier_take_errors(ranvier_t *core, uint32_t *errors, uint32_t *address) {
    uint32_t where;
    if (core == NULL || errors == NULL) return RANVIER_E_ARGUMENT;
    TRY(get(core, RANVIER_REG_ERROR, errors));
    TRY(get(core, RANVIER_REG_ERROR_ADDRESS, &where));
    if (address != NULL) *address = where;
    return put(core, RANVIER_REG_ERROR, *errors);
}
