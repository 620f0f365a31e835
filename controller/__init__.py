"""The controller: from what the switches say to what the switches are told, in one direction."""
