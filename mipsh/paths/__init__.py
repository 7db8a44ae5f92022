"""The ways that packets take between a mobile node and others: told from what was seen of them."""
