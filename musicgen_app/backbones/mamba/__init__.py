"""The bidirectional Mamba backbone and its selective scan."""
