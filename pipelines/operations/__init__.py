"""Running it: the cadences and their steps, alerts, notices to sales, and what state everything is in."""
