"""The core in Amaranth: one component per file, with the names of the golden model."""
