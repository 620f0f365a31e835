"""The blueprint against reality: what is plugged in where it should not be."""
