"""An arrangement as a DAWproject file 1.0: a ZIP of project.xml, metadata.xml and the sound files as they are.

The format is open (github.com/bitwig/dawproject); Bitwig Studio, Studio One, Cubase and others read it. Its beats are
quarter notes. Sounds are tied to the beats where the tempo changes, so a DAW stretches them when its tempo is changed.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, SubElement, tostring

from .. import __version__
from ..control.theory import parse_metre
from ..machine import files
from ..machine.paths import slug
from .arrangement import Arrangement, Track
from .timeline import END, TINY

TEMPO, METRE, MASTER = "tempo", "metre", "master"  # ids


def write_dawproject(arrangement: Arrangement, file: IO[bytes]) -> None:
    """Write the project, with its sounds inside, into an open file. Raises FileError."""
    names = [
        f"audio/{number:02d}-{slug(track.file.stem)}{track.file.suffix.lower()}"
        for number, track in enumerate(arrangement.tracks, 1)
    ]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry("project.xml"), _xml(_project(arrangement, names)))
        archive.writestr(entry("metadata.xml"), _xml(_metadata(arrangement)))
        for name, track in zip(names, arrangement.tracks, strict=True):
            add_file(archive, name, track.file)


def add_file(archive: zipfile.ZipFile, name: str, file: Path) -> None:
    """Put a file into an archive, as it is. Raises FileError."""
    with files.reported(f"read {file}", "check that it is still there"):
        sound = open(file, "rb")
    with sound, archive.open(entry(name), "w", force_zip64=True) as target:
        shutil.copyfileobj(sound, target)


def entry(name: str) -> zipfile.ZipInfo:
    """A file of an archive, readable once unpacked, without a date: the same clips give the same bytes."""
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    made.external_attr = 0o644 << 16
    return made


def _xml(root: Element) -> bytes:
    return tostring(root, encoding="UTF-8", xml_declaration=True)


def _metadata(arrangement: Arrangement) -> Element:
    root = Element("MetaData")
    SubElement(root, "Title").text = _printable(arrangement.title)
    SubElement(root, "Comment").text = "AI-generated with ttm-app"
    return root


def _project(arrangement: Arrangement, names: list[str]) -> Element:
    root = Element("Project", version="1.0")
    SubElement(root, "Application", name="ttm-app", version=__version__)
    first = arrangement.tempo_points[0]
    transport = SubElement(root, "Transport")
    SubElement(transport, "Tempo", id=TEMPO, name="Tempo", unit="bpm", value=_number(first.tempo))
    beats, unit = parse_metre(first.metre)
    SubElement(transport, "TimeSignature", id=METRE, numerator=str(beats), denominator=str(unit))
    structure = SubElement(root, "Structure")
    for number, track in enumerate(arrangement.tracks, 1):
        _channel(structure, f"track{number}", track.name, "regular", track.channels)
    _channel(structure, MASTER, "Master", "master", 2)
    _arrange(SubElement(root, "Arrangement", id="arrangement"), arrangement, names)
    return root


def _channel(structure: Element, id: str, name: str, role: str, channels: int) -> None:
    """A track with its channel of the mixer, at full level in the middle."""
    track = SubElement(structure, "Track", id=id, name=_printable(name), contentType="audio", loaded="true")
    facts = {"id": f"{id}-channel", "role": role, "audioChannels": str(channels)}
    facts |= {} if role == "master" else {"destination": f"{MASTER}-channel"}
    channel = SubElement(track, "Channel", facts)
    SubElement(channel, "Pan", id=f"{id}-pan", name="Pan", unit="normalized", value="0.5", min="0", max="1")
    SubElement(channel, "Volume", id=f"{id}-volume", name="Volume", unit="linear", value="1", min="0", max="2")


def _arrange(root: Element, arrangement: Arrangement, names: list[str]) -> None:
    lanes = SubElement(root, "Lanes", id="lanes", timeUnit="beats")
    for number, (name, track) in enumerate(zip(names, arrangement.tracks, strict=True), 1):
        lane = SubElement(lanes, "Lanes", id=f"lane{number}", track=f"track{number}")
        clips = SubElement(lane, "Clips", id=f"clips{number}")
        _clip(clips, number, name, track, arrangement.timeline.before)
    if arrangement.sections or arrangement.end is not None:
        markers = SubElement(root, "Markers", id="markers", timeUnit="beats")
        for place, text in _places(arrangement):
            SubElement(markers, "Marker", time=_number(place), name=_printable(text))
    tempi = SubElement(root, "TempoAutomation", id="tempi", timeUnit="beats", unit="bpm")
    SubElement(tempi, "Target", parameter=TEMPO)
    metres = SubElement(root, "TimeSignatureAutomation", id="metres", timeUnit="beats")
    SubElement(metres, "Target", parameter=METRE)
    for point in arrangement.tempo_points:
        time = _number(point.quarter)
        SubElement(tempi, "RealPoint", time=time, value=_number(point.tempo), interpolation="hold")
        beats, unit = parse_metre(point.metre)
        SubElement(metres, "TimeSignaturePoint", time=time, numerator=str(beats), denominator=str(unit))


def _clip(clips: Element, number: int, name: str, track: Track, place: float) -> None:
    """The sound of a track, tied to the beats; a loop is one that repeats when it is drawn longer."""
    length = track.timeline.quarters
    facts = {"time": _number(place), "duration": _number(length), "contentTimeUnit": "beats", "playStart": "0"}
    facts |= {"loopStart": "0", "loopEnd": _number(length)} if track.timeline.loop else {}
    clip = SubElement(clips, "Clip", facts, name=_printable(track.name))
    warps = SubElement(clip, "Warps", id=f"warps{number}", timeUnit="beats", contentTimeUnit="seconds")
    sound = {"channels": str(track.channels), "sampleRate": str(track.sample_rate), "duration": _number(track.seconds)}
    audio = SubElement(warps, "Audio", sound, id=f"audio{number}", timeUnit="seconds", algorithm="stretch")
    SubElement(audio, "File", path=name)
    for seconds in _ties(track):
        quarter = track.timeline.quarters_at(seconds)
        SubElement(warps, "Warp", time=_number(quarter), contentTime=_number(seconds))


def _ties(track: Track) -> list[float]:
    """The moments of a sound, in seconds, between which its tempo is steady."""
    inner = [span.start for span in track.timeline.spans if TINY < span.start < track.seconds - TINY]
    return [0.0, *inner, track.seconds]


def _places(arrangement: Arrangement) -> list[tuple[float, str]]:
    """Quarter notes from the beginning of the project to the sections and to the end of the piece, with their names."""
    timeline = arrangement.timeline
    places = [(timeline.before + timeline.quarters_at(mark.seconds), mark.text) for mark in timeline.sections]
    if timeline.end is not None:
        places.append((timeline.before + timeline.quarters_at(timeline.end), END))
    return places


def _printable(text: str) -> str:
    """Text that XML can hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _number(value: float) -> str:
    return f"{value:.12g}"
