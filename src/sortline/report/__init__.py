"""What people look at: figures, contact sheets, class activation maps, the model card."""
