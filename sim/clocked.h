// A verilated module with one clock, for harnesses that set its inputs and look at its outputs in every clock cycle.
#pragma once
#include "verilated.h"

#include <cstdint>

template <class Top>
struct Clocked {
    VerilatedContext context;
    Top top{undefined(&context)};
    uint64_t cycles = 0;

    // First half of a clock cycle: inputs have been set, let the outputs settle.
    void settle() {
        top.clk = 0;
        top.eval();
    }

    // Second half: the rising edge.
    void tick() {
        ++cycles;
        top.clk = 1;
        top.eval();
    }

private:
    // A context in which memories that power up undefined hold anything, the same in each run.
    static VerilatedContext *undefined(VerilatedContext *context) {
        context->randSeed(1);
        context->randReset(2);
        return context;
    }
};
