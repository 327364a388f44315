"""What telemetry tells about the sled's own constants: pure functions on arrays, no device and no words."""
