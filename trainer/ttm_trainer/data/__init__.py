"""What the user brings: music files, captions, licences, stems -> a manifest of tracks."""
