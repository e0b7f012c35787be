"""Formulas and fronts of formulas."""
