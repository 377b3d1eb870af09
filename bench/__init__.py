"""Side-by-side measurements of wasmkiln and its peers in one browser."""
