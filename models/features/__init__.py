"""One vector an image, by which sets of images are compared."""
