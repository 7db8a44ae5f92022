"""mipsh: an interactive diagnostic shell for Mobile IPv6 (RFC 6275) nodes."""

__version__ = "0.1.0"
