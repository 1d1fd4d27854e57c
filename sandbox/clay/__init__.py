"""A double of Clay: tables that are filled by webhooks, enriched, and call back; and its public API."""
