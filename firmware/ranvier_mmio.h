/**
 * Bus functions for a core that lies in the memory of the processor, for ranvier_open:
 *
 *     const ranvier_bus_t bus = {ranvier_mmio_read, ranvier_mmio_write, (void *)BASE_ADDRESS};
 *
 * They cannot fail: what the core refuses, its checksum and error register tell (or the processor's own fault handler).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RANVIER_MMIO_H
#define RANVIER_MMIO_H

#include <stdint.h>

/** Read the word at byte `address` from `base`. */
static inline int ranvier_mmio_read(void *base, uint32_t address, uint32_t *word) {
    *word = ((volatile const uint32_t *)base)[address / sizeof(uint32_t)];
    return 0;
}

/** Write the word at byte `address` from `base`. */
static inline int ranvier_mmio_write(void *base, uint32_t address, uint32_t word) {
    ((volatile uint32_t *)base)[address / sizeof(uint32_t)] = word;
    return 0;
}

#endif /* RANVIER_MMIO_H */
