"""Exercises on the four cases, and where transfer fails."""
