"""Everything that can break, by name."""
