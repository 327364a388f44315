"""Command line and library of the sled: finding it, talking to it, loads, telemetry, lengths.

Speaks to devices through `protocol` alone, and reaches `sim` only where a simulator was asked for.
"""
