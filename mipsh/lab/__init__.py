"""Whole networks of nodes in one process: links, routers and mobile nodes on one virtual clock."""
