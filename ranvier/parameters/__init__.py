"""What every part shares: configuration, formats, networks, samples and records. Parameters only, never arithmetic."""
