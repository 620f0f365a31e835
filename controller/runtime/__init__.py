"""The imperative shell: settings, the journal, the engine that turns events into commands, and the loop
around it."""
