"""JPEG, exactly as libjpeg does it: levels of pictures and of files, and the pictures that have given levels."""
