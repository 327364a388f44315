"""The device's clock in the host's."""


class ClockFit:
    """Host time of device time by the newest pong, at the nominal period."""

    def __init__(self) -> None:
        self.count = 0
        self.drift_ppm = 0.0
        self.uncertainty_s = float("inf")
        self._offset_s = 0.0

    def add(self, sent_s: float, received_s: float, device_s: float) -> bool:
        """Take a pong; False where it is not believed."""
        self.count += 1
        self.uncertainty_s = (received_s - sent_s) / 2
        self._offset_s = (sent_s + received_s) / 2 - device_s
        return True

    def host_s(self, device_s: float) -> float:
        """Host time at which the device's clock showed `device_s`."""
        return device_s + self._offset_s

    def device_s(self, host_s: float) -> float:
        """What the device's clock shows at `host_s`."""
        return host_s - self._offset_s
