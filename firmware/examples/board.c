/* See board.h. */
#include "board.h"

#include <stddef.h>

#include "ranvier_mmio.h"

const ranvier_bus_t board_bus = {ranvier_mmio_read, ranvier_mmio_write, (void *)CORE_BASE};

void print(const char *text) {
    for (; *text != '\0'; ++text) *(volatile uint32_t *)SERIAL_BASE = (uint8_t)*text;
}

static void print_digits(uint32_t rest) {
    char text[11] = {0}; /* as many digits as 2^32 has */
    char *digit = text + sizeof text - 1;
    do {
        *--digit = (char)('0' + rest % 10u);
        rest /= 10u;
    } while (rest > 0u);
    print(digit);
}

void print_number(int32_t number) {
    print(number < 0 ? " -" : " ");
    print_digits(number < 0 ? 0u - (uint32_t)number : (uint32_t)number);
}

void print_count(uint32_t count) {
    print(" ");
    print_digits(count);
}

uint32_t random_below(uint32_t count) {
    static uint32_t state = 1u; /* xorshift32 */
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return ((state >> 16) * count) >> 16;
}

/* What a compiler may call even without a C library. */
void *memset(void *target, int value, size_t count);
void *memcpy(void *restrict target, const void *restrict source, size_t count);

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *target, int value, size_t count) {
    for (unsigned char *byte = target; count > 0u; --count) *byte++ = (unsigned char)value;
    return target;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *restrict target,
                                                                          const void *restrict source, size_t count) {
    const unsigned char *from = source;
    for (unsigned char *to = target; count > 0u; --count) *to++ = *from++;
    return target;
}
