"""Executable specification of the core: NumPy integers only, and the float64 reference that it is checked against."""
