"""A person looks at a task's photos and decides about their labels, on a page of this machine."""
