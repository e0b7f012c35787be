"""The languages that a formula's code is written in, a module each."""
