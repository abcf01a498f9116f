"""Pretrained networks by name: their cells, releases and preprocessing."""
