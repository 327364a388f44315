"""Scenarios in TOML: read, run with a host of their own, and judged."""
