"""Structural plasticity: formation and loss of connections, and the delays of new ones."""
