"""Types shared by all parts: configuration, formats, networks, samples and records. Parameters only, never arithmetic."""
