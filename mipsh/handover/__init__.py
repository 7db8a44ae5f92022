"""A handover as a stopwatch: its steps out of what was seen, what its traffic lost, and whether it was completed."""
