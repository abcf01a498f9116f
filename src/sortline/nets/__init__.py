"""The networks, written in MindSpore; nothing here touches a path."""
