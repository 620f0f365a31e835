"""Links that are there and not to be used, by their health or by an operator's wish."""
