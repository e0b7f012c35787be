"""What was found, for people: plain text and pages."""
