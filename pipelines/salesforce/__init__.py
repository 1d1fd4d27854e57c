"""Salesforce: signing in, reading with SOQL, updating through sObject Collections, and loading into the warehouse."""
