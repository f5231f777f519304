"""Devices held against each other, value by value."""
