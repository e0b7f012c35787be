"""Search engines behind one signature."""
