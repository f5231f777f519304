"""Import and export of graphs of the Neuromorphic Intermediate Representation."""
