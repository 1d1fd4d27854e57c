"""HubSpot: contacts that the CRM sync of the reference architecture brings; off unless it is configured."""
