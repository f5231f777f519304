/**
 * Driver for a Ranvier core: a spiking network that learns weights and delays on the chip.
 *
 * Portable C99. No allocation, no global state, no C library beyond <stdint.h>, <stdbool.h> and <stddef.h>. A core is reached
 * through two functions that read and write a 32-bit word, whatever lies between: memory, SPI, a serial port.
 *
 * Both sides keep a checksum (CRC-32) of every write. They are compared after loading a network and after every sample, so that
 * a lost or refused write is detected before a result is used. The core refuses events while a network is being loaded and, if
 * it did not arrive completely, until one has.
 *
 * All functions return RANVIER_OK or why not. None may be called for a core while another call for the same core is under way
 * (from an interrupt handler, say).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RANVIER_H
#define RANVIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ranvier_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What can go wrong; ranvier_error_text says it in words. */
typedef enum {
    RANVIER_OK = 0,
    RANVIER_E_ARGUMENT,    /**< a null pointer, or a number that this core has no place for; nothing was done */
    RANVIER_E_BUS,         /**< a bus function failed: see bus_code and bus_address of ranvier_t */
    RANVIER_E_ID,          /**< something else answers, or nothing */
    RANVIER_E_VERSION,     /**< a Ranvier core whose registers are of another version */
    RANVIER_E_DIGEST,      /**< a Ranvier core, built from another configuration */
    RANVIER_E_LOADING,     /**< the network is not complete: events are refused until one was loaded completely */
    RANVIER_E_CHECKSUM,    /**< not all that was written arrived */
    RANVIER_E_REFUSED,     /**< the core refused something that was written; RANVIER_REG_ERROR says of what kind */
    RANVIER_E_OVERFLOW,    /**< outputs were dropped because they were not read in time */
    RANVIER_E_TIMEOUT,     /**< the core was still busy, or full, after `patience` polls */
    RANVIER_E_UNSUPPORTED, /**< this core was built without it */
    RANVIER_E_SHARED,      /**< somebody else ended a sample meanwhile */
    RANVIER_E_SCORED       /**< more scored steps than the scores can hold; nothing was done */
} ranvier_error_t;

/**
 * Way to the bus of a core. Addresses are byte addresses from its start, below RANVIER_SPAN, multiples of 4.
 *
 * Both functions return 0, or anything else if they failed; where the bus reports errors, an access that the core refused is a
 * failure. A write to RANVIER_REG_EVENT may keep the bus waiting, for no longer than the core needs to take an event.
 */
typedef struct {
    int (*read)(void *context, uint32_t address, uint32_t *word);
    int (*write)(void *context, uint32_t address, uint32_t word);
    void *context; /**< handed to both */
} ranvier_bus_t;

/** What a core was built for, as it says itself. */
typedef struct {
    uint32_t digest;          /**< hash of its configuration */
    uint32_t inputs;          /**< input units */
    uint32_t neurons;         /**< hidden neurons */
    uint32_t outputs;         /**< readouts: classes */
    uint32_t rows;            /**< presynaptic units: inputs, then neurons if recurrent */
    uint32_t delays;          /**< RANVIER_DELAYS_NONE, _AXONAL or _SYNAPTIC */
    uint32_t max_delay;       /**< largest delay in steps */
    uint32_t delay_fraction;  /**< fraction bits of a delay */
    uint32_t weight_width;    /**< bits of W and Wout, two's complement */
    uint32_t weight_fraction; /**< fraction bits of them */
    uint32_t max_scored;      /**< most scored steps of a sample */
    uint32_t decay_width;     /**< bits of alpha, beta and kappa, all of them fraction bits */
    bool recurrent;           /**< neurons project onto each other */
    bool learning;            /**< learning units are present */
    bool random_feedback;     /**< the learning signal has weights of its own */
    bool exponential;         /**< synapses have a current that decays */
    bool dormant;             /**< learning does not change synapses of weight 0 */
} ranvier_shape_t;

/** Polls after which a busy core counts as stuck, unless the caller sets another number. */
#define RANVIER_PATIENCE 1000000u

/** One core. Owned by the caller, who may read the first part and set `patience`. */
typedef struct {
    ranvier_shape_t shape;
    uint32_t patience;    /**< polls after which a busy core counts as stuck */
    int bus_code;         /**< after RANVIER_E_BUS: what the bus function returned ... */
    uint32_t bus_address; /**< ... and the address that it was given */
    uint32_t expected;    /**< after RANVIER_E_ID, _VERSION, _DIGEST, _CHECKSUM: what should have come ... */
    uint32_t received;    /**< ... and what was received */

    /* The driver's own. */
    ranvier_bus_t bus;
    uint32_t checksum;  /* of everything written, as the core should have it */
    uint32_t room;      /* events that the core takes without waiting, at least */
    uint32_t scored;    /* scored steps of this sample so far */
    uint32_t samples;   /* RANVIER_REG_SAMPLES and */
    uint32_t overflows; /* RANVIER_REG_OVERFLOWS when the sample began */
    bool loading;       /* the core refuses events */
    bool dirty;         /* the core's state may not be clear */
} ranvier_t;

/** Step size: mantissa / 2^shift; a mantissa of 0 freezes the parameter. */
typedef struct {
    uint8_t mantissa;
    uint8_t shift; /**< 0 to 31 */
} ranvier_step_size_t;

/** Step sizes of W, D and Wout. */
typedef struct {
    ranvier_step_size_t weight;
    ranvier_step_size_t delay;
    ranvier_step_size_t readout;
} ranvier_step_sizes_t;

/** What a network has besides its arrays. */
typedef struct {
    uint32_t alpha; /**< decay of membrane and presynaptic trace per step, decay_width fraction bits */
    uint32_t beta;  /**< decay of the synaptic current per step; 0 unless the core's synapses are exponential */
    uint32_t kappa; /**< decay of the readout per step */
    ranvier_step_sizes_t eta;
    uint32_t seed; /**< of stochastic rounding */
} ranvier_settings_t;

/** An array or the state of a core, by the address of its window. Rows are those of ranvier_extent. */
typedef enum {
    RANVIER_WEIGHT = RANVIER_SPACE_WEIGHT,               /**< W [rows, neurons] */
    RANVIER_DELAY = RANVIER_SPACE_DELAY,                 /**< D [rows, neurons], or [rows, 1] if axonal */
    RANVIER_READOUT = RANVIER_SPACE_READOUT,             /**< Wout [neurons, outputs] */
    RANVIER_FEEDBACK = RANVIER_SPACE_FEEDBACK,           /**< B [neurons, outputs], only with random_feedback */
    RANVIER_POTENTIAL = RANVIER_SPACE_POTENTIAL,         /**< membrane potential before reset [1, neurons], read only */
    RANVIER_SPIKED = RANVIER_SPACE_SPIKED,               /**< spikes of the last step [1, neurons], read only */
    RANVIER_SURROGATE = RANVIER_SPACE_SURROGATE,         /**< surrogate derivative [1, neurons], read only */
    RANVIER_READOUT_TRACE = RANVIER_SPACE_READOUT_TRACE, /**< filtered spikes [1, neurons], read only */
    RANVIER_READOUT_VALUE = RANVIER_SPACE_READOUT_VALUE, /**< readouts [1, outputs], read only */
    RANVIER_TRACE = RANVIER_SPACE_TRACE,                 /**< presynaptic traces [1, rows], read only */
    RANVIER_SCORE = RANVIER_SPACE_SCORE                  /**< scores of the last sample [1, outputs], read only */
} ranvier_array_t;

/** The error in words; never null. */
const char *ranvier_error_text(ranvier_error_t error);

/* ---- opening */

/**
 * Identify the core behind `bus` and learn its shape. Changes nothing in it.
 *
 * `digest`, unless null, is the configuration that the core must have been built from. The bus is copied, its context is not.
 */
ranvier_error_t ranvier_open(ranvier_t *core, const ranvier_bus_t *bus, const uint32_t *digest);

/** Rows and columns of an array in this core; 0 for one that it lacks. */
ranvier_error_t ranvier_extent(const ranvier_t *core, ranvier_array_t array, uint32_t *rows, uint32_t *columns);

/* ---- loading a network: ranvier_load_begin, every row of every array, ranvier_load_settings, ranvier_load_end */

/**
 * Clear the core's state, counters, errors and outputs, and have it refuse events until ranvier_load_end. Whatever it was doing
 * is ended, and outputs no longer go to the output stream.
 */
ranvier_error_t ranvier_load_begin(ranvier_t *core);

/**
 * Write `count` raw values of a row, from column `first`. Also between samples; ranvier_check then tells whether they arrived.
 *
 * Values are integers in the array's format: weights with weight_fraction fraction bits, delays with delay_fraction.
 */
ranvier_error_t ranvier_write(ranvier_t *core, ranvier_array_t array, uint32_t row, uint32_t first, const int32_t *values,
                              size_t count);

/** Decays, step sizes and seed. */
ranvier_error_t ranvier_load_settings(ranvier_t *core, const ranvier_settings_t *settings);

/** Check that everything since ranvier_load_begin arrived, and only then let the core take events again. */
ranvier_error_t ranvier_load_end(ranvier_t *core);

/** Change the step sizes between samples, and check that they arrived. */
ranvier_error_t ranvier_set_step_sizes(ranvier_t *core, const ranvier_step_sizes_t *eta);

/** Restart stochastic rounding from a seed between samples, and check that it arrived. */
ranvier_error_t ranvier_set_seed(ranvier_t *core, uint32_t seed);

/**
 * Compare the sums of everything that was written since ranvier_open or ranvier_load_begin. RANVIER_E_REFUSED or
 * RANVIER_E_CHECKSUM if they differ: the core is then told to refuse events, and a network must be loaded again.
 */
ranvier_error_t ranvier_check(ranvier_t *core);

/** Read back `count` raw values of a row, from column `first`; waits for what the core is doing. */
ranvier_error_t ranvier_read(ranvier_t *core, ranvier_array_t array, uint32_t row, uint32_t first, int32_t *values,
                             size_t count);

/* ---- running a sample: ranvier_sample_begin, the spikes of a step and the step, again and again, ranvier_sample_end */

/**
 * Begin from cleared state, whatever became of the sample before. With `learn`, weights and delays are updated on scored steps; with `report`, ranvier_next_step tells
 * who spiked.
 */
ranvier_error_t ranvier_sample_begin(ranvier_t *core, bool learn, bool report);

/** An input spikes on the coming step. */
ranvier_error_t ranvier_spike(ranvier_t *core, uint32_t unit);

/**
 * Run a step. If `scored` its readout counts, and when learning, `target` is the class of the sample. RANVIER_E_SCORED if that is
 * one scored step more than the scores can hold.
 */
ranvier_error_t ranvier_step(ranvier_t *core, bool scored, uint32_t target);

/**
 * The next of the steps that were run, in order, if the sample reports: waits until it is done. `count` (may be null) tells how
 * many neurons spiked; the first `capacity` of them are put into `neurons`, ascending.
 *
 * Take a step's spikes before too many are waiting: the core drops what its queue cannot hold, and then this returns
 * RANVIER_E_OVERFLOW, as does ranvier_sample_end.
 */
ranvier_error_t ranvier_next_step(ranvier_t *core, uint32_t *neurons, size_t capacity, size_t *count);

/**
 * End the sample, wait until the core is done, and check that all of it arrived. `prediction` (may be null) is the class with
 * the largest score; all of them are in RANVIER_SCORE. The core's state is clear again; what it learned stays.
 */
ranvier_error_t ranvier_sample_end(ranvier_t *core, uint32_t *prediction);

/** Whether the core is still handling what it was given. */
ranvier_error_t ranvier_busy(ranvier_t *core, bool *busy);

/* ---- counters, interrupts, errors */

/** All counters since the network was loaded, by RANVIER_COUNTER_SPIKES and so on. They wrap: subtract them as uint32_t. */
ranvier_error_t ranvier_counters(ranvier_t *core, uint32_t counters[RANVIER_COUNTERS]);

/** Clock cycles in which the core was busy since the network was loaded; wraps. */
ranvier_error_t ranvier_cycles(ranvier_t *core, uint32_t *cycles);

/** Which causes raise the interrupt: RANVIER_INTERRUPT_ENABLE_SAMPLE_DONE_MASK and _ERROR_MASK. */
ranvier_error_t ranvier_enable_interrupts(ranvier_t *core, uint32_t causes);

/** Take the causes that are pending: they are read and cleared. */
ranvier_error_t ranvier_take_interrupts(ranvier_t *core, uint32_t *causes);

/**
 * Take what went wrong, RANVIER_ERROR_ACCESS_MASK and so on: read and cleared. `address` (may be null) is where the last access
 * that was refused went.
 */
ranvier_error_t ranvier_take_errors(ranvier_t *core, uint32_t *errors, uint32_t *address);

#ifdef __cplusplus
}
#endif

#endif /* RANVIER_H */
