"""The policy that an operator has set, on the switches where its packets enter."""
