"""From what is installed to what is wanted: the difference, and an order that never loops or drops."""
