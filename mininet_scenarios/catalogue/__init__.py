"""The catalogue of scenarios: each module adds its own by `@scenario`."""
