"""The applications: each looks at the fabric and says what should be true; none knows another, or a switch."""
