/* Registers of a Ranvier core. Generated from hw/registers.py; do not edit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RANVIER_REGISTERS_H
#define RANVIER_REGISTERS_H

/* Version of this table, and what tells a Ranvier core from anything else. */
#define RANVIER_INTERFACE_VERSION                   3u
#define RANVIER_MAGIC                               0x524e56u

/* Bytes of the address space. */
#define RANVIER_SPAN                                0x80000u

/* Windows: byte address of the first column, a word each. REG_ROW chooses the row, if any. */
#define RANVIER_SPACE_WEIGHT                        0x08000u    /* W of the synapses from unit ROW, by neuron; read and write */
#define RANVIER_SPACE_DELAY                         0x10000u    /* D of the synapses from unit ROW, by neuron (0 if axonal); read and write */
#define RANVIER_SPACE_READOUT                       0x18000u    /* Wout from neuron ROW, by output; read and write */
#define RANVIER_SPACE_FEEDBACK                      0x20000u    /* fixed feedback weights onto neuron ROW, by output; read and write */
#define RANVIER_SPACE_POTENTIAL                     0x28000u    /* membrane potential before reset, by neuron; read */
#define RANVIER_SPACE_SPIKED                        0x30000u    /* spike of the last step, by neuron; read */
#define RANVIER_SPACE_SURROGATE                     0x38000u    /* surrogate derivative of the last step, by neuron; read */
#define RANVIER_SPACE_READOUT_TRACE                 0x40000u    /* filtered spikes, with which Wout learns, by neuron; read */
#define RANVIER_SPACE_READOUT_VALUE                 0x48000u    /* readout, by output; read */
#define RANVIER_SPACE_TRACE                         0x50000u    /* presynaptic trace, by presynaptic unit; read */
#define RANVIER_SPACE_SCORE                         0x58000u    /* score at the end of the last sample, by output; read */

/* Counters: how many, and which word from REG_COUNTER each is. */
#define RANVIER_COUNTERS                            10u
#define RANVIER_COUNTER_SPIKES                      0u
#define RANVIER_COUNTER_DELIVERIES                  1u
#define RANVIER_COUNTER_DELAY_LINE_SATURATED        2u
#define RANVIER_COUNTER_POTENTIAL_SATURATED         3u
#define RANVIER_COUNTER_READOUT_SATURATED           4u
#define RANVIER_COUNTER_TRACE_SATURATED             5u
#define RANVIER_COUNTER_SIGNAL_SATURATED            6u
#define RANVIER_COUNTER_WEIGHT_SATURATED            7u
#define RANVIER_COUNTER_DELAY_SATURATED             8u
#define RANVIER_COUNTER_SIGNAL_UNDERFLOW            9u

/* Kinds of an event. */
#define RANVIER_EVENT_SPIKE                         0u
#define RANVIER_EVENT_STEP                          1u
#define RANVIER_EVENT_END                           2u
#define RANVIER_EVENT_RESET                         3u

/* Kinds of an output. */
#define RANVIER_OUTPUT_SPIKE                        0u
#define RANVIER_OUTPUT_STEP                         1u
#define RANVIER_OUTPUT_SCORE                        2u
#define RANVIER_OUTPUT_PREDICTION                   3u

/* FEATURES.delays. */
#define RANVIER_DELAYS_NONE                         0u
#define RANVIER_DELAYS_AXONAL                       1u
#define RANVIER_DELAYS_SYNAPTIC                     2u

/* ID: Identification; drivers refuse anything else. (read) */
#define RANVIER_REG_ID                              0x00000u
#define RANVIER_ID_VERSION_SHIFT                    0u          /* version of this register table */
#define RANVIER_ID_VERSION_MASK                     0x000000ffu
#define RANVIER_ID_MAGIC_SHIFT                      8u          /* the letters "RNV" */
#define RANVIER_ID_MAGIC_MASK                       0xffffff00u

/* DIGEST: Hash of the configuration. (read) */
#define RANVIER_REG_DIGEST                          0x00004u    /* first 32 bits of its SHA-256 */

/* SHAPE: Sizes of the network. (read) */
#define RANVIER_REG_SHAPE                           0x00008u
#define RANVIER_SHAPE_INPUTS_SHIFT                  0u          /* input units */
#define RANVIER_SHAPE_INPUTS_MASK                   0x00001fffu
#define RANVIER_SHAPE_NEURONS_SHIFT                 13u         /* hidden neurons */
#define RANVIER_SHAPE_NEURONS_MASK                  0x03ffe000u

/* FEATURES: Options that the core was built with. (read) */
#define RANVIER_REG_FEATURES                        0x0000cu
#define RANVIER_FEATURES_OUTPUTS_SHIFT              0u          /* readouts */
#define RANVIER_FEATURES_OUTPUTS_MASK               0x000001ffu
#define RANVIER_FEATURES_DELAYS_SHIFT               9u          /* 0 none, 1 axonal, 2 synaptic */
#define RANVIER_FEATURES_DELAYS_MASK                0x00000600u
#define RANVIER_FEATURES_RECURRENT_SHIFT            11u         /* neurons project onto each other */
#define RANVIER_FEATURES_RECURRENT_MASK             0x00000800u
#define RANVIER_FEATURES_LEARNING_SHIFT             12u         /* learning units are present */
#define RANVIER_FEATURES_LEARNING_MASK              0x00001000u
#define RANVIER_FEATURES_RANDOM_FEEDBACK_SHIFT      13u         /* the learning signal has fixed random weights */
#define RANVIER_FEATURES_RANDOM_FEEDBACK_MASK       0x00002000u
#define RANVIER_FEATURES_DELAY_FRACTION_SHIFT       14u         /* fraction bits of a delay */
#define RANVIER_FEATURES_DELAY_FRACTION_MASK        0x0003c000u
#define RANVIER_FEATURES_MAX_DELAY_SHIFT            18u         /* largest delay in steps */
#define RANVIER_FEATURES_MAX_DELAY_MASK             0x0ffc0000u
#define RANVIER_FEATURES_EXPONENTIAL_SHIFT          28u         /* synapses have a current that decays */
#define RANVIER_FEATURES_EXPONENTIAL_MASK           0x10000000u
#define RANVIER_FEATURES_DORMANT_SHIFT              29u         /* learning does not change synapses of weight 0 */
#define RANVIER_FEATURES_DORMANT_MASK               0x20000000u

/* FORMATS: Widths of the parameters. (read) */
#define RANVIER_REG_FORMATS                         0x00010u
#define RANVIER_FORMATS_WEIGHT_WIDTH_SHIFT          0u          /* bits of W and Wout, two's complement */
#define RANVIER_FORMATS_WEIGHT_WIDTH_MASK           0x0000001fu
#define RANVIER_FORMATS_WEIGHT_FRACTION_SHIFT       5u          /* fraction bits of W and Wout */
#define RANVIER_FORMATS_WEIGHT_FRACTION_MASK        0x000003e0u
#define RANVIER_FORMATS_DECAY_WIDTH_SHIFT           10u         /* bits of ALPHA, BETA and KAPPA, all of them fraction bits */
#define RANVIER_FORMATS_DECAY_WIDTH_MASK            0x00007c00u
#define RANVIER_FORMATS_DELAY_WIDTH_SHIFT           15u         /* bits of a delay */
#define RANVIER_FORMATS_DELAY_WIDTH_MASK            0x000f8000u

/* LIMITS: Limits of a sample. (read) */
#define RANVIER_REG_LIMITS                          0x00014u    /* most scored steps: beyond them a score may leave its 32 bits */

/* STATUS: Status of the core. (read) */
#define RANVIER_REG_STATUS                          0x00018u
#define RANVIER_STATUS_BUSY_SHIFT                   0u          /* an event is waiting or being handled */
#define RANVIER_STATUS_BUSY_MASK                    0x00000001u
#define RANVIER_STATUS_ERROR_SHIFT                  1u          /* a bit of ERROR is set */
#define RANVIER_STATUS_ERROR_MASK                   0x00000002u
#define RANVIER_STATUS_LOADING_SHIFT                2u          /* CONTROL.loading: the network may be incomplete */
#define RANVIER_STATUS_LOADING_MASK                 0x00000004u
#define RANVIER_STATUS_ROOM_SHIFT                   4u          /* events that EVENT accepts now without waiting */
#define RANVIER_STATUS_ROOM_MASK                    0x0000fff0u
#define RANVIER_STATUS_WAITING_SHIFT                16u         /* words waiting in OUTPUT */
#define RANVIER_STATUS_WAITING_MASK                 0x0fff0000u

/* CONTROL: Routing of events and outputs. (read and write) */
#define RANVIER_REG_CONTROL                         0x0001cu
#define RANVIER_CONTROL_LOADING_SHIFT               0u          /* refuse events: set while a network is being loaded, cleared once it has been checked */
#define RANVIER_CONTROL_LOADING_MASK                0x00000001u
#define RANVIER_CONTROL_STREAM_SHIFT                1u          /* send outputs to the output stream instead of OUTPUT */
#define RANVIER_CONTROL_STREAM_MASK                 0x00000002u

/* INTERRUPT_ENABLE: Causes that raise the interrupt. (read and write) */
#define RANVIER_REG_INTERRUPT_ENABLE                0x00020u
#define RANVIER_INTERRUPT_ENABLE_SAMPLE_DONE_SHIFT  0u          /* enable: a sample ended */
#define RANVIER_INTERRUPT_ENABLE_SAMPLE_DONE_MASK   0x00000001u
#define RANVIER_INTERRUPT_ENABLE_ERROR_SHIFT        1u          /* enable: a bit of ERROR rose */
#define RANVIER_INTERRUPT_ENABLE_ERROR_MASK         0x00000002u

/* INTERRUPT_PENDING: Pending causes. (read, write 1 to clear) */
#define RANVIER_REG_INTERRUPT_PENDING               0x00024u
#define RANVIER_INTERRUPT_PENDING_SAMPLE_DONE_SHIFT 0u          /* pending: a sample ended */
#define RANVIER_INTERRUPT_PENDING_SAMPLE_DONE_MASK  0x00000001u
#define RANVIER_INTERRUPT_PENDING_ERROR_SHIFT       1u          /* pending: a bit of ERROR rose */
#define RANVIER_INTERRUPT_PENDING_ERROR_MASK        0x00000002u

/* ERROR: Errors since it was last cleared. (read, write 1 to clear) */
#define RANVIER_REG_ERROR                           0x00028u
#define RANVIER_ERROR_ACCESS_SHIFT                  0u          /* a bus access was refused: no such address, read- or write-only, or part of a word */
#define RANVIER_ERROR_ACCESS_MASK                   0x00000001u
#define RANVIER_ERROR_EVENT_SHIFT                   1u          /* an event was refused: unit or class that the core lacks, or while loading */
#define RANVIER_ERROR_EVENT_MASK                    0x00000002u
#define RANVIER_ERROR_OVERFLOW_SHIFT                2u          /* OUTPUT was full and an output was dropped */
#define RANVIER_ERROR_OVERFLOW_MASK                 0x00000004u
#define RANVIER_ERROR_STALLED_SHIFT                 3u          /* an access was abandoned because the output stream is not read */
#define RANVIER_ERROR_STALLED_MASK                  0x00000008u
#define RANVIER_ERROR_SCORE_SHIFT                   4u          /* a score left its 32 bits: the sample had more scored steps than LIMITS */
#define RANVIER_ERROR_SCORE_MASK                    0x00000010u

/* ERROR_ADDRESS: Address of the last refused access. (read) */
#define RANVIER_REG_ERROR_ADDRESS                   0x0002cu    /* its byte address */

/* EVENT: An event; a write waits for room. Repeated writes here are intended. (write) */
#define RANVIER_REG_EVENT                           0x00030u
#define RANVIER_EVENT_INDEX_SHIFT                   0u          /* input unit (spike), or class of the sample (scored step, when learning) */
#define RANVIER_EVENT_INDEX_MASK                    0x0000ffffu
#define RANVIER_EVENT_SCORED_SHIFT                  16u         /* the readout of this step is scored */
#define RANVIER_EVENT_SCORED_MASK                   0x00010000u
#define RANVIER_EVENT_KIND_SHIFT                    24u         /* 0 spike, 1 step, 2 end of the sample, 3 reset */
#define RANVIER_EVENT_KIND_MASK                     0x03000000u

/* OUTPUT: The oldest output; only with MODE.report. (read, which removes it) */
#define RANVIER_REG_OUTPUT                          0x00034u
#define RANVIER_OUTPUT_INDEX_SHIFT                  0u          /* neuron that spiked */
#define RANVIER_OUTPUT_INDEX_MASK                   0x0000ffffu
#define RANVIER_OUTPUT_KIND_SHIFT                   24u         /* 0 spike, 1 end of a step */
#define RANVIER_OUTPUT_KIND_MASK                    0x03000000u
#define RANVIER_OUTPUT_VALID_SHIFT                  31u         /* there was an output */
#define RANVIER_OUTPUT_VALID_MASK                   0x80000000u

/* PREDICTION: Class with the largest score in the last sample. (read) */
#define RANVIER_REG_PREDICTION                      0x00038u    /* class */

/* SAMPLES: Samples ended since reset; wraps. (read) */
#define RANVIER_REG_SAMPLES                         0x0003cu    /* count */

/* OVERFLOWS: Outputs dropped since reset; wraps. (read) */
#define RANVIER_REG_OVERFLOWS                       0x00040u    /* count */

/* ROW: Row that all windows show. (read and write) */
#define RANVIER_REG_ROW                             0x00044u
#define RANVIER_ROW_ROW_SHIFT                       0u          /* presynaptic unit or neuron */
#define RANVIER_ROW_ROW_MASK                        0x00001fffu

/* CHECKSUM: CRC-32 of all accepted writes since this register was last written. (read, write to restart) */
#define RANVIER_REG_CHECKSUM                        0x00048u    /* over (byte address, data), each a little-endian word, as zlib's crc32 */

/* MODE: Mode of running samples. (read and write) */
#define RANVIER_REG_MODE                            0x0004cu
#define RANVIER_MODE_LEARN_SHIFT                    0u          /* update weights and delays */
#define RANVIER_MODE_LEARN_MASK                     0x00000001u
#define RANVIER_MODE_REPORT_SHIFT                   1u          /* report spikes and steps in OUTPUT or on the output stream */
#define RANVIER_MODE_REPORT_MASK                    0x00000002u

/* ALPHA: Decay of membrane and presynaptic trace per step. (read and write) */
#define RANVIER_REG_ALPHA                           0x00050u
#define RANVIER_ALPHA_DECAY_SHIFT                   0u          /* fraction */
#define RANVIER_ALPHA_DECAY_MASK                    0x00ffffffu

/* BETA: Decay of the synaptic current per step; stays 0 without FEATURES.exponential. (read and write) */
#define RANVIER_REG_BETA                            0x00054u
#define RANVIER_BETA_DECAY_SHIFT                    0u          /* fraction */
#define RANVIER_BETA_DECAY_MASK                     0x00ffffffu

/* KAPPA: Decay of the readout per step. (read and write) */
#define RANVIER_REG_KAPPA                           0x00058u
#define RANVIER_KAPPA_DECAY_SHIFT                   0u          /* fraction */
#define RANVIER_KAPPA_DECAY_MASK                    0x00ffffffu

/* ETA_WEIGHT: Step size of W; 0 freezes it. (read and write) */
#define RANVIER_REG_ETA_WEIGHT                      0x0005cu
#define RANVIER_ETA_WEIGHT_MANTISSA_SHIFT           0u          /* of the step size of W */
#define RANVIER_ETA_WEIGHT_MANTISSA_MASK            0x000000ffu
#define RANVIER_ETA_WEIGHT_SHIFT_SHIFT              8u          /* step size = mantissa / 2^shift */
#define RANVIER_ETA_WEIGHT_SHIFT_MASK               0x00001f00u

/* ETA_DELAY: Step size of D; 0 freezes it. (read and write) */
#define RANVIER_REG_ETA_DELAY                       0x00060u
#define RANVIER_ETA_DELAY_MANTISSA_SHIFT            0u          /* of the step size of D */
#define RANVIER_ETA_DELAY_MANTISSA_MASK             0x000000ffu
#define RANVIER_ETA_DELAY_SHIFT_SHIFT               8u          /* step size = mantissa / 2^shift */
#define RANVIER_ETA_DELAY_SHIFT_MASK                0x00001f00u

/* ETA_READOUT: Step size of Wout; 0 freezes it. (read and write) */
#define RANVIER_REG_ETA_READOUT                     0x00064u
#define RANVIER_ETA_READOUT_MANTISSA_SHIFT          0u          /* of the step size of Wout */
#define RANVIER_ETA_READOUT_MANTISSA_MASK           0x000000ffu
#define RANVIER_ETA_READOUT_SHIFT_SHIFT             8u          /* step size = mantissa / 2^shift */
#define RANVIER_ETA_READOUT_SHIFT_MASK              0x00001f00u

/* SEED: Seed of stochastic rounding; writing restarts the generators. (read and write) */
#define RANVIER_REG_SEED                            0x00068u    /* seed */

/* CLEAR: Writing sets all counters to zero. (write) */
#define RANVIER_REG_CLEAR                           0x0006cu    /* anything */

/* CYCLES: Clock cycles in which the core was busy since CLEAR; wraps. (read) */
#define RANVIER_REG_CYCLES                          0x00070u    /* count */

/* COUNTER: First of the counters since CLEAR, one register each; they wrap. (read) */
#define RANVIER_REG_COUNTER                         0x00074u    /* count */

#endif /* RANVIER_REGISTERS_H */
