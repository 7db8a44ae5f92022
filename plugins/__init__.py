"""The engines, checks and formats that mipsh brings, built as any plugin is."""
