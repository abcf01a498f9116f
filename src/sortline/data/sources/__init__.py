"""Where photos and weights come from."""
