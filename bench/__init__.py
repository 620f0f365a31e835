"""What must be fast, measured side by side; run by `make bench`, never imported by the rest."""
