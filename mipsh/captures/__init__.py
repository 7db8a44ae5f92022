"""Capture files as streams of frames, read and written with constant memory; pure but for the streams handed in."""
