"""Photos to Feature Maps, once, and the store that keeps them."""
