"""Public transforms: pure functions of an array, one axis, keywords."""
