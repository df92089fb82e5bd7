"""What any long job uses: resumable stages, checkpoints, processes, stop signals, progress."""
