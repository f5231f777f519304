"""Testbenches that hold the RTL against the golden model in a simulator, and the bus models of others."""
