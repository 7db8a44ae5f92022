"""The output formats that mipsh brings, each as a plugin."""
