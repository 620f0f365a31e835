"""What operators write: YAML, read with the place of every word, so that an error can name it."""
