"""Records into text: the document that every format writes, and what formats share."""
