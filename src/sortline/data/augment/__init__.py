"""Augmentation: views of photos, crops, distortions of digits."""
