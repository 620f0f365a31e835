"""The applications: each looks at the fabric and says what should be true. None of them knows another, or a switch."""
