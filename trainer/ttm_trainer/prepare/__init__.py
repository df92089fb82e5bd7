"""Music and captions -> a prepared folder: items, latents, text features and clusters. `pipeline` runs all of it."""
