"""One sled for several commands: `host serve` owns the port, and the others talk to the sled through it."""
