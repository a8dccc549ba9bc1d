"""What the product remembers: sealed records, chunks, sessions, the ledger and the audit chain. Never plain text."""
