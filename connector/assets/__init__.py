"""Reads mappings and templates that travel in the wheel, and checks them; never writes them."""
