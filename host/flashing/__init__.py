"""The firmware onto a Raspberry Pi Pico: find the board, compile, copy what changed, prove what runs.

A cut of power or link at any moment leaves a board that starts the old firmware or the new one by itself.
"""
