"""Which packet sizes fit on a path: the search for them, what answers mean, and what to do about those that vanish."""
