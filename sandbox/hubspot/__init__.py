"""A double of HubSpot's contacts API."""
