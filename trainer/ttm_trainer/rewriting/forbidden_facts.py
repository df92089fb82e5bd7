"""What an inference-style caption must not say (arXiv 2606.07387 §II-B): tempo, key, metre, chords, form, production.

There is one test for all: the rules write captions that pass it, and a reply of a model that does not pass is refused.
The test refuses a harmless caption now and then rather than let a tempo through.
"""

from __future__ import annotations

import re

_NOTE = r"[A-G](?:[#b♯♭]|[ -]?(?:sharp|flat))?"
_QUALITY = r"(?:maj|min|dim|aug|sus|add|m|°|ø|\+)"
_DEGREE = r"(?:2|4|5|6|69|7|9|11|13)"
_CHORD = rf"{_NOTE}{_QUALITY}?{_DEGREE}?(?:sus[24]?|[#b♯♭][59])?(?:/[A-G][#b♯♭]?)?"
_ROMAN = r"[#b♭♯]?(?:VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(?:°|7|maj7)?"
_THEN = r"\s*(?:[-–—,>→|/]|to|and)\s*"
_COUNT = r"(?:two|three|four|five|six|seven|eight|nine|twelve)"

# Case counts: "A minor" is a key, "Am" a chord; "a mishap" and "am" are neither.
_EXACT = {
    "key": (
        rf"\b{_NOTE}[ -]?(?:major|minor|Major|Minor|MAJOR|MINOR|maj|min)\b",
        rf"\bin {_NOTE}(?=[.,;:)]|$)",
    ),
    "chords": (
        r"\b[A-G][#b♯♭]?m(?:7|9|11)?\b(?!')",
        rf"\b{_NOTE}{_QUALITY}{_DEGREE}\w*",
        r"\b[A-G][#b♯♭]?(?:7|9|11|13)\b",
        r"\b[A-G][♯♭#]",
        rf"\b{_CHORD}(?:{_THEN}{_CHORD}\b){{2,}}",
        rf"\b{_ROMAN}(?:\s*[-–—,>→]\s*{_ROMAN}){{2,}}\b",
    ),
}
# Case does not count.
_WORDS = {
    "tempo": (
        r"(?:\d+(?:\.\d+)? *|\b)bpm\b|\bbeats?[ -]per[ -]minute\b|\bmetronom\w+",
        r"(?<!down)(?<!down-)tempos?\b|\btempi\b",
        r"\bat (?:an?|the) [\w -]{0,40}\bpace\b|\b(?:slow|medium|mid|moderate(?:ly)?)[ -](?:fast[ -])?paced?\b",
        r"\b(?:half|double)-?time\b",
        r"\b(?:largo|larghetto|adagio|andante|andantino|moderato|allegretto|allegro|presto|prestissimo)\b",
    ),
    "key": (
        r"\b(?:major|minor)\b",
        r"\bkeys? of\b|\bkey (?:signature|change|centre|center)\w*|\b(?:home|original|same|parallel|relative) key\b",
        r"\btonalit(?:y|ies)\b|\btonal cent\w+|\bmodulat(?:es|ing|ions?)\b (?:to|in|between|from)\b",
        r"\b(?:dorian|phrygian|lydian|mixolydian|aeolian|locrian|ionian|pentatonic|diatonic|chromatic)\w*\b",
    ),
    "metre": (
        r"\b\d{1,2} ?/ ?(?:1|2|4|8|16)\b|\b(?:time|meter) signatures?\b|\bmet(?:er|re)s?\b",
        r"\b(?:common|cut|triple|duple|compound|waltz) time\b",
        rf"\b{_COUNT}[ -](?:two|four|eight|sixteen)\b|\b(?:in|of) (?:three|five|six|seven)(?=[.,;]|$)",
        rf"\b{_COUNT}[ -]beats?\b|\bbeats? (?:to|in) (?:the|a|every|each) (?:bar|measure)\b|\bdownbeats\b",
    ),
    "chords": (
        r"\bchord(?:al)? (?:progression|sequence|change|movement|structure|pattern|voicing)s?\b|\bchords?(?: are)?:",
        r"\bprogressions?\b|\bharmonic (?:progression|movement|rhythm|structure|language)\w*",
        r"\b(?:tonic|subdominant|supertonic|mediant)\b|\b(?:seventh|ninth|suspended|diminished|augmented) chords?\b",
    ),
    "structure": (
        r"\b(?:verses?|pre-?chorus(?:es)?|chorus(?:es)?|intros?|outros?|codas?|middle eight|bridge (?:section|part))\b",
        r"\b(?:song|overall|musical|loop-based|verse-chorus) structures?\b|\b(?:AABA|ABA|ABAB|ABABCB|ABAC)\b",
        r"\bfades? (?:out|in)\b|\bfade-?outs?\b|\b(?:resolved|grand) finale\b",
    ),
    "production": (
        r"\b(?:mixing|mastering|mastered|mixdown|equali[sz]\w+|side-?chain\w*|stereo\w*|panned|panning|limiter)\b",
        r"\b(?:the|a|its|this|overall|\w+ed|clean|clear|wide|balanced) mix\b|\bmix (?:is|has|places|features|keeps)\b",
        r"\bproduction\b|\b(?:sound|audio|recording) quality\b|\b\d+(?:\.\d+)? ?k?hz\b|\b\d+ ?db\b",
    ),
}
_TESTS = tuple(
    (what, re.compile("|".join(patterns), flags))
    for table, flags in ((_EXACT, 0), (_WORDS, re.I))
    for what, patterns in table.items()
)


def leftovers(text: str) -> list[str]:
    """What a caption says that it must not, such as ["key: A minor", "tempo: 120 BPM"]; [] when it is clean."""
    found = (f"{what}: {match[0].strip()}" for what, test in _TESTS for match in test.finditer(text))
    return sorted(set(found))
