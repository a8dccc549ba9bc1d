"""Requests in, pages and problem+json out. Every route has a session or stands on the list of open routes."""
