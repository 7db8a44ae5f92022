"""The shell's own commands, one a file: each declares a COMMAND that the registry loads by name."""
