"""Mobility signalling as exchanges of messages rather than packets; pure."""
