"""From a picture file to restorations of it, of any size."""
