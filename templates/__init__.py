"""Data carried in the wheel as connector_templates; no code lives here."""
