"""What music a prompt asks for, as facts: tempo, metre, key, chords, drums and genre, and the plan made of them."""
