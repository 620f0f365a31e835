"""The language in which operators write policies: YAML documents, read with the place of every word."""
