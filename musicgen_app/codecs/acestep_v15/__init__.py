"""The codec of ACE-Step v1.5: waveform autoencoder."""
