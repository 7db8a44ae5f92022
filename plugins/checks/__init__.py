"""The checks that mipsh brings, one file an area."""
