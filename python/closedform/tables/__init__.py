"""Tables of numbers as they come in: checked, read from files, mapped, on a device."""
