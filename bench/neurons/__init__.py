"""The seven rules of Wetzel, and networks that have learned them."""
