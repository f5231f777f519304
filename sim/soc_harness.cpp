// Runs a verilated Ranvier system on a chip and receives what it sends on its serial port.
#include "Vranvier_soc.h"
#include "verilated.h"

#include <cstdint>

namespace {

constexpr int kDataBits = 8;

struct Board {
    VerilatedContext context;
    Vranvier_soc top{&context};
    uint64_t cycles = 0;
    int half_bits = -1;  // half bits since the edge of a start bit; -1 between bytes
    int wait = 0;        // clocks to the next of them
    unsigned byte = 0;
    bool framed = true;  // every byte had its stop bit

    void tick() {
        ++cycles;
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }

    // A clock cycle of the wire; whether a byte is complete. Bits are sampled in their middle.
    bool receive(int half_bit) {
        if (half_bits < 0) {
            if (top.tx) return false;
            half_bits = 0;
            wait = half_bit;
        }
        if (--wait) return false;
        wait = half_bit;
        const int bit = ++half_bits / 2;
        if (half_bits % 2 == 0 || bit == 0) return false;  // an edge, or the start bit
        if (bit <= kDataBits) {
            byte = (byte >> 1) | (top.tx ? 1u << (kDataBits - 1) : 0u);
            return false;
        }
        half_bits = -1;
        framed &= top.tx;
        return true;
    }
};

}  // namespace

extern "C" {

Board *soc_open() {
    auto *board = new Board;
    board->top.rst = 1;
    board->tick();
    board->tick();
    board->top.rst = 0;
    return board;
}

void soc_close(Board *board) { delete board; }

uint64_t soc_cycles(const Board *board) { return board->cycles; }

// Whether the processor has stopped.
int soc_stopped(const Board *board) { return board->top.trap; }

// Whether every byte so far had its stop bit.
int soc_framed(const Board *board) { return board->framed; }

// Runs until the processor stops, `capacity` bytes came, or `clocks` have passed; returns how many bytes came.
int soc_run(Board *board, int clocks_per_bit, uint8_t *bytes, int capacity, int clocks) {
    int count = 0;
    for (int n = 0; n < clocks && count < capacity; ++n) {
        board->tick();
        if (board->receive(clocks_per_bit / 2)) bytes[count++] = static_cast<uint8_t>(board->byte);
        if (board->top.trap && board->half_bits < 0 && board->top.tx) break;
    }
    return count;
}

}  // extern "C"
