"""The shell at a terminal: prompt, completion, hints, history."""
