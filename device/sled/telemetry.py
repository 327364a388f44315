"""Samples from the tick's ring to the host: live ones first, then those asked for again.

The index never skips: what the ring has overwritten is declared by SAMPLES_LOST, never passed over.
"""

from . import codec, layout, tick

# The tick may overwrite the oldest samples while a frame is being copied.
_MARGIN_SAMPLES = 64
_BATCH_SAMPLES = 16
_LOST_MAX = 0xFFFF


class Telemetry:
    """Sends from `ring`, which the tick fills, through `link`."""

    def __init__(self, app):
        self.app = app
        self.kept_samples = tick.RING_SAMPLES - _MARGIN_SAMPLES
        self.is_streaming = False
        self._next = 0
        self._again_next = 0
        self._again_end = 0

    def _oldest(self):
        oldest = self.app.s[tick.SAMPLE_INDEX] - self.kept_samples
        return oldest if oldest > 0 else 0

    def stream(self, enabled, first):
        """Start with sample `first`, or the oldest still kept; or stop. Returns the first to come."""
        newest = self.app.s[tick.SAMPLE_INDEX]
        oldest = self._oldest()
        self.is_streaming = enabled
        self._again_next = self._again_end = 0
        self._next = oldest if first < oldest else first
        if self._next > newest:
            self._next = newest
        return self._next

    def resend(self, first, count):
        """Send these samples again when nothing newer waits; replaces an earlier request."""
        self._again_next = first
        self._again_end = first + count

    def poll(self):
        """Send at most one frame."""
        if not self.app.link.is_quiet():
            return
        newest = self.app.s[tick.SAMPLE_INDEX]
        if self.is_streaming and newest - self._next >= _BATCH_SAMPLES:
            self._next = self._send(self._next, newest, 0)
        elif self._again_next < self._again_end:
            self._again_next = self._send(self._again_next, self._again_end, layout.FLAG_RESENT)

    def _send(self, first, end, flags):
        """Send samples from `first` on, or declare lost what is gone. Returns the next to send."""
        app = self.app
        out = app.link.out
        out[1] = flags
        oldest = self._oldest()
        if first < oldest:
            # Some more than is gone, or the tick would overtake again before the next frame.
            last = oldest + _MARGIN_SAMPLES
            if last > end:
                last = end
            if last - first > _LOST_MAX:
                last = first + _LOST_MAX
            out[0] = layout.KIND_SAMPLES_LOST
            codec.put_u16(out, layout.OFF_SAMPLES_LOST_BOOT_ID, app.board.boot_id)
            codec.put_i32(out, layout.OFF_SAMPLES_LOST_SAMPLE_INDEX, first)
            codec.put_u16(out, layout.OFF_SAMPLES_LOST_SAMPLE_COUNT, last - first)
            app.link.send(layout.HEADER_BYTES + layout.SIZE_SAMPLES_LOST)
            return last
        count = end - first
        if count > layout.SAMPLES_PER_FRAME_MAX:
            count = layout.SAMPLES_PER_FRAME_MAX
        out[0] = layout.KIND_TELEMETRY
        codec.put_u16(out, layout.OFF_TELEMETRY_BOOT_ID, app.board.boot_id)
        codec.put_i32(out, layout.OFF_TELEMETRY_SAMPLE_INDEX, first)
        # The ring may end within the batch.
        at = first % tick.RING_SAMPLES
        before_end = tick.RING_SAMPLES - at
        if before_end > count:
            before_end = count
        offset = layout.OFF_TELEMETRY_SAMPLES
        words = tick.SAMPLE_WORDS
        codec.copy_words(out, offset, app.ring, at * words, before_end * words)
        offset += before_end * layout.SAMPLE_BYTES
        codec.copy_words(out, offset, app.ring, 0, (count - before_end) * words)
        app.link.send(layout.OFF_TELEMETRY_SAMPLES + count * layout.SAMPLE_BYTES)
        return first + count
