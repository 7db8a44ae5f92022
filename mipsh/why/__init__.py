"""Why a packet takes the way that it takes: predicted from what a node knows, with the rule that decides."""
