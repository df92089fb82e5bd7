"""The codec of ACE-Step v1: mel autoencoder and vocoder."""
