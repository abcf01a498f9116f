"""What predictions are worth: metrics, comparisons, corruptions, suspects."""
