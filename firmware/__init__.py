"""Drivers for boards. See README.md in this folder for what is here so far."""
