/* Where the processor begins: stack, cleared variables, main; then it stops with a trap. */
    .section .text.start
    .globl start
start:
    la sp, RAM_BYTES
    la t0, bss_begin
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call main
    ebreak

/* uint32_t clocks(void): of the processor since reset, low word. */
    .text
    .globl clocks
    .option arch, +zicsr
clocks:
    rdcycle a0
    ret
