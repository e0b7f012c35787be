"""Smooth stand-ins for data, and what their derivatives tell of its structure."""
