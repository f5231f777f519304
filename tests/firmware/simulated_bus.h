/* The bus of a simulated peripheral (sim/bus_harness.cpp) as bus functions of the driver. */
#ifndef SIMULATED_BUS_H
#define SIMULATED_BUS_H

#include <stdint.h>

typedef struct Bus Bus;

Bus *bus_open(void);
void bus_close(Bus *bus);
int bus_access(Bus *bus, int write, uint32_t address, uint32_t *word, uint32_t strobe, int patience);
int bus_interrupt(Bus *bus);
void bus_take_outputs(Bus *bus, int ready);

enum { EVERY_BYTE = 15, CLOCKS = 10000000 };

static inline int read_word(void *bus, uint32_t address, uint32_t *word) {
    return bus_access(bus, 0, address, word, EVERY_BYTE, CLOCKS);
}

static inline int write_word(void *bus, uint32_t address, uint32_t word) {
    return bus_access(bus, 1, address, &word, EVERY_BYTE, CLOCKS);
}

#endif
