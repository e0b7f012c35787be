"""The engines that search expressions, a module each."""
