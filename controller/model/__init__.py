"""The nouns of Treadle: frozen, typed values that use nothing but the standard library."""
