"""The FluxAudio diffusion transformer."""
