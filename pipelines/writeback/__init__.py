"""Write-back: plan → policy → payload → Salesforce → ledger, in that direction only."""
