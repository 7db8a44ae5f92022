"""What a check is, what it may know of a node, and how checks are run; pure: time and reading are arguments."""
