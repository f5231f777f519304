/* What the examples need of the system on a chip: where the core is, a way to print, random numbers. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#include "ranvier.h"

/** The core in the memory of this processor. */
extern const ranvier_bus_t board_bus;

/** Clock cycles of the processor since reset; wraps. */
uint32_t clocks(void);

void print(const char *text);

/** Print a space and a decimal number. */
void print_number(int32_t number);

/** Print a space and a count of 32 bits, such as that of a counter. */
void print_count(uint32_t count);

/** The next of a fixed sequence of numbers, 0 to `count` - 1 (at most 65536). */
uint32_t random_below(uint32_t count);

#endif
