"""Unmatched events: what is suggested for them, and what people have accepted (R5)."""
