"""Looking people and companies up in Clay's Enterprise API: what is due, asked once, within a credit budget."""
