"""Bytes into messages and back: IPv6, its extension headers, the Mobility Header, ICMPv6.

Three rules hold everywhere:

* Decoding never raises: a malformed field becomes a fault that names offset, field, expected and
  found, and the bytes from there on are kept as they are.
* Nothing is lost: ``decode(data).encode() == data`` for every string of bytes.
* Nothing is known here but bytes: no socket, no clock, no randomness.

Addresses are 16 bytes. Offsets count from the first byte of the packet decoded.

Read ``packet`` first: it puts together what ``extension``, ``mobility`` and ``icmpv6`` (with
``ndp``) decode, by means of ``tlv``. ``verify`` says what is wrong with a packet beyond that,
``authenticator`` proves who sent one, ``pcap`` reads and writes files of them.
"""
