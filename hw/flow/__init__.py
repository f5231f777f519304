"""From the core to files: Verilog, synthesis, place and route, bitstreams, register documents."""
