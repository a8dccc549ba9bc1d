"""Data carried in the wheel as connector_mappings; no code lives here."""
