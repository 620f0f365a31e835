"""What a cable's health and an operator's wish make of the fabric: links that are there and not to be used."""
