"""Ports of `sim://` for tests, opened the way every user of pyserial does."""

import serial


def opening_urls(monkeypatch):
    """For a fixture: what opens addresses, all of which are closed with the test."""
    monkeypatch.setattr(serial, "protocol_handler_packages", ["serial.urlhandler", "sim"])
    ports = []

    def open_url(url="sim://", **options):
        ports.append(serial.serial_for_url(url, **options))
        return ports[-1]

    yield open_url
    for port in ports:
        port.close()
