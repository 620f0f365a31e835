"""The commands that ask the running controller, or a journal; one module each, imported when called."""
