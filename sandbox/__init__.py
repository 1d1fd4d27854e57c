"""Local doubles of Salesforce, Smartlead and Clay, and the simulated world behind them. The loaders do not know it."""
