"""A double of Clay: tables that are filled by webhooks, enriched, and call back; its public API, and its lookups."""
