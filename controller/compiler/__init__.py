"""The compiler: what apps decide becomes what switches should hold. Pure."""
