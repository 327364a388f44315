"""Sled, driver, power, heat and sensors: physics in SI units, without firmware or wire."""
