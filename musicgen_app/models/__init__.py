"""Models: the folder format, the ones that are installed, and where public frozen parts come from."""
