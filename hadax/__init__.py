"""Fast structured transforms for JAX, and what research builds on them."""
