"""Recordings: every sample, gap, status, fault and clock reading of one session in one MCAP file.

What was handed to `Recorder.take` is with the operating system when it returns, so that a killed program
loses nothing of it; a file without its end gets one when it is next opened. Nothing here talks to a sled.
"""

from host.recording.recorder import About, Recorder

__all__ = ["About", "Recorder"]
