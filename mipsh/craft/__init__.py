"""Packets of Mobile IPv6 made to measure by scapy, and explained byte by byte by mipsh's own decoder."""
