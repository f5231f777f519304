"""Structural plasticity: which connections a network has, and where their delays come from."""
