"""What the user brings: music files, captions, licences, stems -> a manifest of tracks.

captions/                      text of any encoding, delimited tables, files beside songs, languages
caption_tables                 tables of captions -> rows
track, manifest                what a track is; folders -> tracks, and what is left out
audio_reader, mpeg_frames      sound files -> samples, of the length that is there
decoder_noise, sound_facts     a file heard to its end: length, level, faults, digest
splits, survey                 who is held out; all of this together, as `prepare` does it first
check                          the table and the picture of `ttm-app data check`
separation                     vocals taken away by another program
corpus_reader                  dataset folders of `ttm-app corpus`
"""
