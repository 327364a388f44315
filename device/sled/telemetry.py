"""Samples from the tick's ring to the host: live ones first, then those that are missing there.

The index never skips: what the ring has overwritten is declared by SAMPLES_LOST, never passed over.
"""

from . import codec, layout, tick
from .ranges import Ranges

# What a host may count on, and what is still sent: live samples go first, and the tick goes on while a frame
# is being copied.
_KEPT_SAMPLES = tick.RING_SAMPLES - 64
_SENT_SAMPLES = tick.RING_SAMPLES - 32
_BATCH_SAMPLES = 16
_BEHIND_SAMPLES = 256
_LOST_MAX = 0xFFFF


class Telemetry:
    """Sends from `ring`, which the tick fills, through `link`."""

    def __init__(self, app):
        self.app = app
        self.kept_samples = _KEPT_SAMPLES
        self.is_streaming = False
        self._next = 0  # first live sample to send
        self._again = Ranges()

    def stream(self, enabled, first):
        """Start with sample `first`, or the oldest still kept; or stop. Returns the first to come."""
        newest = self.app.s[tick.SAMPLE_INDEX]
        self.is_streaming = enabled
        self._again.count = 0
        self._next = min(max(first, newest - _KEPT_SAMPLES, 0), newest)
        return self._next

    def resend(self, first, count):
        """Send these samples again when no live one waits, the lowest first. False: too many gaps wait."""
        return self._again.add(first, first + count)

    def poll(self):
        """Send at most one frame, once everything before it has left: no answer waits for more than one."""
        if not self.app.link.is_quiet():
            return
        newest = self.app.s[tick.SAMPLE_INDEX]
        again = self._again
        if self.is_streaming and newest - self._next >= _BATCH_SAMPLES:
            # A stream from an old sample, or a host that did not read for a while: the host steers by what is
            # now, so the rest becomes a gap like any other. Live comes first even when the oldest samples are
            # about to be overwritten. The chip sends 3.5 samples a tick: one is live, one is what the ring
            # forgets meanwhile, so the gap is filled all the same. A slower link loses some either way, and
            # those it loses, and is told of, are the old ones.
            if newest - self._next > _BEHIND_SAMPLES:
                live = newest - _BATCH_SAMPLES
                if self.resend(self._next, live - self._next):
                    self._next = live
            self._next = self._send(self._next, newest, 0)
        elif again.count:
            again.cut(self._send(again.first[0], again.end[0], layout.FLAG_RESENT))

    def _send(self, first, end, flags):
        """Send samples from `first` on, or declare lost what is gone. Returns the next to send."""
        app = self.app
        out = app.link.out
        out[1] = flags
        newest = app.s[tick.SAMPLE_INDEX]
        if first < newest - _SENT_SAMPLES:
            # Some more than is gone, or the tick would overtake again before the next frame.
            last = min(newest - _KEPT_SAMPLES, end, first + _LOST_MAX)
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
