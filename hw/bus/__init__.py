"""The core as a peripheral: registers, queues, and the bus interfaces around them."""
