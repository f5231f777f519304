"""Python that talks to a core: over a serial port, or any other link that carries words."""
