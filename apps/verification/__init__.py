"""Nothing is sent to a switch before it is proven to do no harm."""
