"""`host doctor`: what was measured, what it should be, and a verdict, line by line."""
