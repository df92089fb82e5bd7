"""What DAWs, samplers and players read: a plan -> marks and tags inside sound files, and projects around them.

timeline    a plan -> what of it lies in a clip, and when: sections, bar lines, tempi
tags        a sound file with its timeline in the way of its format, by the way of riff (chunks of a WAV),
            id3 (MP3, WAV) and vorbis_comments (FLAC, Ogg)
arrangement sound files on tracks along one timeline
reaper      an arrangement as a Reaper project
dawproject  an arrangement as a DAWproject file
kinds       the table of all kinds of export
stems       files named and marked as samplers want them

Nothing here knows models, requests or the library; `library.hand_over` brings clips here.
"""

from __future__ import annotations
