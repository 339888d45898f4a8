"""From a row to its end: admitted, called, supervised, followed; and runs that no schedule made."""
