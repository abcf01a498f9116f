"""How many processor cores this process may use."""


def cores() -> int:
    """Return the cores that the process may run on, as its affinity and its container's share of the CPU say."""
    import joblib  # it takes a while to load

    return joblib.cpu_count()
