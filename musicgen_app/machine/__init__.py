"""What this computer has: files, folders, settings, processor and accelerator."""
