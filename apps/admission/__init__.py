"""Who may speak: the admission table of every switch."""
