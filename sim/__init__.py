"""The sled without a sled: physics, athlete, virtual board and the ways to connect to them.

Imports `device` (the firmware that it runs) and `protocol`; knows nothing of `host`.
"""
