"""One module for each command, imported only when that command runs: starting fast is a feature."""
