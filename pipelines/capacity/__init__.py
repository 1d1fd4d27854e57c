"""What a volume of mails asks of mailboxes and services, worked out before anybody buys or promises anything."""
