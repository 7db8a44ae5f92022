"""What changes a node: planned as steps, permitted, carried out, judged by what was seen, and written down."""
