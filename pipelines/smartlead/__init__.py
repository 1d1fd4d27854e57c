"""Smartlead: campaigns, leads, sent mails and messages, and what its webhooks brought."""
