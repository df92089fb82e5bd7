"""Score -> audio: instruments, drums and the mix."""
