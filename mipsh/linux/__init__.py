"""What mipsh reads from the running Linux kernel."""
