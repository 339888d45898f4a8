"""From a due time to its row: asked, decided, claimed."""
