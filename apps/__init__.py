"""The applications: each looks at the fabric and says what should hold; none knows another, or a switch."""
