"""Where the bytes of image files lie: folders, archives, shards, data sets of Hugging Face."""
