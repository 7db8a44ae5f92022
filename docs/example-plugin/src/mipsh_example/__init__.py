"""An example of a mipsh plugin: a command, a format and an engine, each in a module of its own."""
