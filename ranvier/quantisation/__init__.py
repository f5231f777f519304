"""From float networks to the integers of a core."""
