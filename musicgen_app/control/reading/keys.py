"""The key that a prompt states: "in Fm", "key of Bb", "blues in E", "c-Moll", "Sib menor", "11A"."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..chord_reader import SHARP_WORDS
from ..theory import DARK_MODES, pitch_class, spell_note
from .lexicon.keys import (
    AFTER_KEY,
    ALONE,
    CAMELOT,
    CODE,
    COUNTS,
    DUTCH_KEY,
    EASTERN_KEY,
    ENGLISH_KEY,
    FOLLOWS,
    GERMAN_KEY,
    GERMAN_ODD,
    IN,
    IN_GERMAN,
    IN_LATIN,
    JOINED_KEY,
    LABELLED,
    LATIN,
    LATIN_KEY,
    MIXED_KEY,
    MODE_ALONE,
    MODES,
    NOT_IN,
    OF_BLUES,
    OF_STYLE,
    ON,
    OR_AFTER,
    OR_BEFORE,
    PLACES,
    PREPOSED,
    RELATIVE,
    RUSSIAN,
    RUSSIAN_KEY,
    SIGNATURE,
    SIGNED,
    UNREAD,
    VIBE,
    WHEEL_MAJOR,
    WHEEL_MINOR,
)
from .text import TAKEN_BACK, Text
from .words import MUSIC, RANKED, STYLE, other_scale


class Key(NamedTuple):
    """tonic: an English name, None where only a mode is stated; mode: None where only the tonic is."""

    tonic: str | None
    mode: str | None

    @property
    def name(self) -> str:
        """Such as "F# minor", "E" or "minor"."""
        return " ".join(filter(None, self))

    @property
    def dark(self) -> bool | None:
        """Whether it has a minor third; None where that is not said."""
        return None if self.mode is None else self.mode in DARK_MODES


def read_key(text: Text) -> Key | None:
    """The first key that is stated, or the one that takes it back. What else is said of keys is told."""
    found: list[tuple[int, int, Key, str]] = []
    for read in (
        _relatives,
        _by_signs,
        _camelot,
        _german,
        _latin,
        _eastern,
        _english,
        _on,
        _labelled,
        _within,
        _alone,
        _of_blues,
    ):
        for start, end, key, why in read(text):
            if text.is_free(start, end) and not any(start < until and begin < end for begin, until, _, _ in found):
                found.append((start, end, key, why))
    found = sorted((start, end, key, why or other_scale(text.lower[start:end])) for start, end, key, why in found)
    for match in (*text.find(UNREAD, cased=True), *text.find(GERMAN_ODD, cased=True)):
        if not any(start < match.end() and match.start() < end for start, end, _, _ in found):
            text.misses("key", match.span(), "no key of that name is known: write one such as F# minor, or 8A")
    mode = _mode_alone(text, found)
    if not found:
        return Key(None, mode) if mode else None
    last = text.holding([one[:2] for one in found])
    replaced, found = found[:last], found[last:]
    if found[0][2].mode is None and mode:
        start, end, key, why = found[0]
        found[0] = (start, end, key._replace(mode=mode), why)
    for start, end, _, _ in replaced:
        text.takes("key", (start, end), found[0][2].name, TAKEN_BACK)
    more = "more than one key is stated, and a clip begins in one"
    others = _tell_alternatives(text, found[0], more) or any(
        key.name != found[0][2].name and text.contradicts(found[0][:2], (start, end)) for start, end, key, _ in found
    )
    for number, (start, end, key, why) in enumerate(found):
        if others and number == 0 or key.name != found[0][2].name:
            text.takes("key", (start, end), found[0][2].name, more)
        elif number == 0 and (why or key.mode is None):
            text.takes(
                "key", (start, end), key.name, why or "whether it is major or minor is not said: it is left open"
            )
        else:
            text.says("key", (start, end), key.name)
    return found[0][2]


def _tell_alternatives(text: Text, found: tuple[int, int, Key, str], why: str) -> bool:
    """Tell the bare note of "C or D minor", "key of C or G"; whether there is one."""
    start, end, key, _ = found
    begin = max(0, start - 16)
    after, before = OR_AFTER.match(text.plain, end), OR_BEFORE.search(text.plain[begin:start])
    spans = [match.span("other") for match in (after,) if match]
    spans += [(begin + match.start("other"), begin + match.end("other")) for match in (before,) if match]
    spans = [span for span in spans if text.is_free(*span)]
    for span in spans:
        text.takes("key", span, key.name, why)
    return bool(spans)


def _mode_alone(text: Text, found: _Keys) -> str | None:
    """The mode of "in a minor key" or of a "minor blues", where no key with a mode is named."""
    if any(key.mode for _, _, key, _ in found):
        return None
    for match in (*text.find(MODE_ALONE, cased=True), *text.find(OF_STYLE)):
        mode = "minor" if re.search("min|mol|menor|минор|短|マイナー|小|단", match[0].lower()) else "major"
        if NOT_IN.search(text.before(match.start(), 16)):
            text.misses("key", match.span(), "which key it should have instead is not said")
        else:
            text.says("key", match.span(), mode)
            return mode
    return None


_Keys = list[tuple[int, int, Key, str]]


def _mode_of(match: re.Match[str]) -> str:
    return next(mode for mode in MODES if match.groupdict().get(mode.replace(" ", "_")))


def _sharpened(letter: str, sign: str | None) -> str:
    sign = (sign or "").strip(" -").lower()
    if not sign:
        return letter
    return letter + ("#" if sign == "#" or re.match(rf"{SHARP_WORDS}|диез", sign) else "b")


def _german_note(name: str) -> str:
    name = name.lower()
    letter = {"h": "B", "b": "Bb"}.get(name[0], name[0].upper())
    if len(name) == 1:
        return letter
    return letter[0] + ("#" if name.endswith("is") else "b")


def _german(text: Text) -> _Keys:
    found = [
        (*m.span(), Key(_german_note(m["note"]), "major" if m["mode"].lower().startswith("du") else "minor"), "")
        for m in text.find(GERMAN_KEY, cased=True)
    ]
    found += [(*m.span(), Key(_german_note(m["note"]), _mode_of(m)), "") for m in text.find(MIXED_KEY, cased=True)]
    if text.language == "nl":
        for m in text.find(DUTCH_KEY, cased=True):
            found.append(
                (*m.span(), Key(_dutch_note(m["note"]), "minor" if m["mode"] in ("klein", "mineur") else "major"), "")
            )
    return found


def _dutch_note(name: str) -> str:
    return name[0].upper() + ("#" if name.endswith("is") else "b" if len(name) > 1 else "")


def _latin(text: Text) -> _Keys:
    found = []
    for m in text.find(LATIN_KEY, cased=True):
        asked = PREPOSED.search(text.before(m.start(), 16)) or m["note"][0].isupper() and not m["note"].isupper()
        alone = (text.begins(m.start()) or asked) and FOLLOWS.match(text.after(m.end(), 24))
        if alone or PREPOSED.search(text.before(m.start(), 16)) and not RANKED.match(text.after(m.end(), 24)):
            found.append((*m.span(), Key(_sharpened(LATIN[m["note"].lower()], m["sign"]), _mode_of(m)), ""))
    for m in text.find(RUSSIAN_KEY, cased=True):
        found.append((*m.span(), Key(_sharpened(RUSSIAN[m["note"].lower()], m["sign"]), _mode_of(m)), ""))
    return found


def _eastern(text: Text) -> _Keys:
    found = []
    names = dict(zip("ハニホヘトイロ다라마바사가나", "CDEFGABCDEFGAB", strict=True))
    signs = {"嬰": "#", "올림": "#", "変": "b", "내림": "b"}
    for m in text.find(EASTERN_KEY, cased=True):
        letter = m["latin"] or names[m["note"] or m["korean"]]
        sign = signs.get(m["sign"] or m["korean_sign"], m["flat"] or "")
        major = (m["mode"] or m["korean_mode"] or m["han"] or m["kana"]) in ("長", "大", "장", "メジャー")
        found.append((*m.span(), Key(letter + sign, "major" if major else "minor"), ""))
    return found


def _english(text: Text) -> _Keys:
    found = []
    for m in text.find(ENGLISH_KEY, cased=True):
        note, mode, after = m["note"], _mode_of(m), text.after(m.end(), 40)
        named = (note not in "aA" or note == "A" and PREPOSED.search(text.before(m.start(), 16))) and re.match(
            r"[\s-]+(?:key|mode|tonality|scale)\b", after
        )
        if RANKED.match(after) and not named or re.fullmatch(r"[a-z]-(?:major|minor|min|maj)", m[0]) and note in "a":
            continue
        if note in "aA" and not m["sign"] and _is_article(text, m):
            continue
        if (
            note in "bcdefgh"
            and m["sign"] is None
            and not (FOLLOWS.match(after) or PREPOSED.search(text.before(m.start(), 16)) or text.begins(m.start()))
        ):
            continue
        found.append((*m.span(), *_named(text, note, m["sign"], mode)))
    return found + [
        (*m.span(), *_named(text, m["note"], m["sign"], m["mode"].replace("maj", "major").replace("majoror", "major")))
        for m in text.find(JOINED_KEY, cased=True)
    ]


def _is_article(text: Text, found: re.Match[str]) -> bool:
    """Whether the A of "a minor ..." is the article: in small letters it is, if no key is asked for there."""
    asked = re.search(r"\b(?:in|of|key)\s+$", text.before(found.start(), 8)) is not None
    clause = text.begins(found.start()) and text.ends(found.end())
    if found["note"] == "a":
        return not asked and not clause
    after = text.lower[found.end() :]
    goes_on = re.match(r"\s+(?=[a-z])", after)
    music = goes_on and (MUSIC.match(after, goes_on.end()) or STYLE.match(after, goes_on.end()))
    return not asked and goes_on is not None and not music and not FOLLOWS.match(after)


def _named(text: Text, note: str, sign: str | None, mode: str | None) -> tuple[Key, str]:
    """A key by an English or, where it can only be so, a German name."""
    if note in "hH":
        return Key(_sharpened("B", sign), mode), ""
    if note in "bB" and not sign and re.search(r"\bgerman (?:sense|notation|b\b|naming)|deutsche\w* b\b", text.lower):
        return Key("Bb", mode), "B in the German sense is B flat"
    if note in "bB" and not sign and mode is None and (text.german or text.language == "de"):
        return Key("Bb", mode), "" if text.german else "B in a German text is read as B flat; write H or Bb to be sure"
    return Key(_sharpened(note.upper(), sign), mode), ""


def _labelled(text: Text) -> _Keys:
    found = []
    for m in text.find(AFTER_KEY, cased=True):
        found.append((*m.span(), *_named(text, m["note"], m["sign"], "minor" if m["minor"] else None)))
    for m in text.find(LABELLED, cased=True):
        note = m["note"]
        if note in ("as", "es") and text.language != "de":
            continue
        if note[0].islower() and note.lower() not in LATIN and not (m["sign"] or m["minor"]) and len(note) == 1:
            if not text.ends(m.end()) or note == "a":
                continue
        if note.lower() in LATIN:
            key, why = Key(_sharpened(LATIN[note.lower()], m["sign"]), "minor" if m["minor"] else None), ""
        elif len(note) > 1:
            key, why = Key(_german_note(note), None), ""
        else:
            key, why = _named(text, note, m["sign"], "minor" if m["minor"] else None)
        found.append((*m.span(), key, why))
    return found


def _within(text: Text) -> _Keys:
    """ "in Fm", "blues in E": what stands behind must not make it the beginning of something else."""
    found = []
    for m in (*text.find(IN, cased=True), *text.find(IN_LATIN, cased=True)):
        note, after, ends = m["note"], text.after(m.end(), 24), text.ends(m.end())
        bare = not (m["minor"] or m["sign"])
        if not m["minor"] and note in "CFD" and CODE.search(text.before(m.start(), 40) + "|" + after):
            text.misses("key", m.span(), "a key, or a programming language: write key of C")
            continue
        short = m["sign"] in ("#", "b")
        if not FOLLOWS.match(after) or len(note) == 1 and note.islower() and not (ends and note != "a" or short):
            continue
        if note in "Aa" and bare and not ends and re.match(r"\s+(?:slow|fast|swing|blues|riff|jam|groove)", after):
            continue  # "in A fast tune"
        letter = LATIN.get(note.lower())
        if letter and note.islower() and not (m["sign"] or ends and text.language in ("fr", "es", "it", "pt")):
            continue
        mode = "minor" if m["minor"] else None
        key, why = (Key(_sharpened(letter, m["sign"]), mode), "") if letter else _named(text, note, m["sign"], mode)
        found.append((*m.span(), key, why))
    for m in text.find(IN_GERMAN, cased=True):
        if FOLLOWS.match(text.after(m.end(), 24)) and (m["note"] != "As" or text.language == "de"):
            found.append((*m.span(), Key(_german_note(m["note"]), None), ""))
    return found


def _alone(text: Text) -> _Keys:
    """A minor chord, or a note with a sign, that is a clause of its own or begins one: "techno, 128 bpm, F#m"."""
    found = []
    for m in text.find(ALONE, cased=True):
        begins, ends, minor = text.begins(m.start()), text.ends(m.end()), m["minor"] or m["m"]
        after = text.lower[m.end() :].lstrip(" ")
        goes_on = minor and (after[:1].isdigit() or begins and (MUSIC.match(after) or STYLE.match(after)))
        lone = minor and (ends and bool(text.before(m.start()).strip()) or VIBE.match(after) is not None)
        if not (begins and ends or goes_on or m["minor"] or lone) or re.match(r"/|\s*\|", text.after(m.end(), 3)):
            continue
        if m[0] == "Am" and not text.before(m.start()).strip("\" '") and ends and after:
            continue  # "Am, ..." may be the beginning of a sentence, or of a row
        note, sign = m["note"] or m["named"], m["sign"] or m["word"]
        key, why = _named(text, note, sign, "minor" if minor else None)
        found.append((*m.span(), key, why or ("a minor chord alone is read as the key" if lone and not begins else "")))
    return found


def _of_blues(text: Text) -> _Keys:
    return [(*m.span(), *_named(text, m["note"], m["sign"], None)) for m in text.find(OF_BLUES, cased=True)]


def _on(text: Text) -> _Keys:
    """ "phrygisch auf E"."""
    found = []
    for m in text.find(ON, cased=True):
        if (mode := _mode_of(m)) not in ("minor", "major"):
            note = m["note"]
            letter = LATIN.get(note.lower()) or (
                _german_note(note) if len(note) > 1 else note.upper().replace("H", "B")
            )
            found.append((*m.span(), Key(_sharpened(letter, m["sign"]), mode), ""))
    return found


def _camelot(text: Text) -> _Keys:
    """Places on the wheel of DJs: 8A is A minor, 8B is C major."""
    named = re.search("camelot|harmonic mix", text.lower)
    djs = re.search(r"\bbpm\b|\d\s?bpm", text.lower)
    found = []
    for m in text.find(CAMELOT, cased=True):
        before = text.before(m.start(), 14)
        labelled = re.search(r"\bkey(?:\s+of)?\s*[:=]?\s*$", before)
        clause = text.begins(m.start()) and text.ends(m.end()) and int(m["number"]) > 1
        alone = m["letter"].isupper() and (clause or djs and not PLACES.search(before))
        if not (named or labelled or alone):
            continue
        number, minor = int(m["number"]), m["letter"] in "Aa"
        start = m.start() - (len(labelled[0]) if labelled else 0)
        around = re.match(r"\s*\(camelot\)|\s+on\s+the\s+camelot\s+wheel", text.after(m.end(), 28))
        end = m.end() + (around.end() if around else 0)
        if 1 <= number <= 12:
            tonic = (WHEEL_MINOR if minor else WHEEL_MAJOR)[number - 1]
            found.append((start, end, Key(tonic, "minor" if minor else "major"), ""))
        elif named or labelled:
            text.misses("key", (start, end), "no place on the Camelot wheel: it has 1A to 12B")
    return found


def _relatives(text: Text) -> _Keys:
    """ "the relative minor of G major" is E minor."""
    found = []
    for m in text.find(RELATIVE, cased=True):
        tonic = _german_note(m["name"]) if m["name"] else _sharpened(m["note"].upper(), m["sign"])
        dark = (m["mode"] or m["german"]).lower() in ("minor", "moll")
        if m["kind"] and m["kind"].lower() == "parallel":
            found.append((*m.span(), Key(tonic, "minor" if dark else "major"), ""))
            continue
        found.append((*m.span(), Key(_relative(tonic, dark), "minor" if dark else "major"), ""))
    return found


def _relative(tonic: str, dark: bool) -> str:
    """The tonic of the relative minor (dark) of a major key, or of the relative major of a minor one."""
    return spell_note((pitch_class(tonic) + (9 if dark else 3)) % 12, f"{tonic} {'major' if dark else 'minor'}")


def _by_signs(text: Text) -> _Keys:
    """ "three flats, major" is E flat major; without a mode the signs say too little."""
    found = []
    for m in text.find(SIGNATURE):
        if mode := m["after"] or m["before"]:
            number = next(n for n, names in enumerate(COUNTS) if m["count"] in names.split())
            tonic = SIGNED[m["sign"]][number]
            found.append((*m.span(), Key(_relative(tonic, True) if mode == "minor" else tonic, mode), ""))
    return found
