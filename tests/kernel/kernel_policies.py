"""A policy that ``ip xfrm`` cannot make and mip6d does: for ICMPv6 messages of types below 128, by a mask.

Linux: include/uapi/linux/xfrm.h.
"""

import os
import socket
import struct

NETLINK_XFRM, NLMSG_ERROR, NEW_POLICY = 6, 2, 0x13
REQUEST_ACK_CREATE = 0x605
HEADER = struct.Struct("=IHHII")
SELECTOR = struct.Struct("=16s16sHHHHHBBB3xIi")
INFINITE = struct.pack("=8Q", *[(1 << 64) - 1] * 4, 0, 0, 0, 0)
CURRENT = bytes(32)
POLICY = struct.Struct("=IIBBBB4x")
POLICY_TYPE = struct.Struct("=HHBxHB3x")
XFRMA_POLICY_TYPE, SUB, OUT, ALLOW = 16, 1, 1, 0
PRIORITY, TYPE_MASK = 12, 0x0080


def let_errors_out() -> None:
    """Make the policy in the network namespace that the thread is in; raises OSError."""
    masked = socket.htons(TYPE_MASK)
    selector = SELECTOR.pack(bytes(16), bytes(16), 0, 0, 0, masked, socket.AF_INET6, 0, 0, socket.IPPROTO_ICMPV6, 0, 0)
    info = selector + INFINITE + CURRENT + POLICY.pack(PRIORITY, 0, OUT, ALLOW, 0, 0)
    body = info + POLICY_TYPE.pack(POLICY_TYPE.size - 2, XFRMA_POLICY_TYPE, SUB, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as kernel:
        kernel.send(HEADER.pack(HEADER.size + len(body), NEW_POLICY, REQUEST_ACK_CREATE, 1, 0) + body)
        answer = kernel.recv(4096)
    kind, code = struct.unpack_from("=H", answer, 4)[0], struct.unpack_from("=i", answer, HEADER.size)[0]
    if kind != NLMSG_ERROR or code:
        raise OSError(-code, os.strerror(-code))
