"""Arrays in, arrays out, along the last axis: one file a backend, and the table of them."""
