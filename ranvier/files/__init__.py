"""Files and streams: read only when plain and whole, written complete or not at all."""
