"""Building and driving simulations of the core: in process through Verilator, and cocotb testbenches."""
