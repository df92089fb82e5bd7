"""The codecs of MMAudio and MeanAudio: mel autoencoder and BigVGAN."""
