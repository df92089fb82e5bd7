"""Vocabulary of the captions: genre nouns and tags, instrument families and adjectives, themes as noun phrases."""

# ruff: noqa: E501
from __future__ import annotations

# genre: (nouns after "a ...", tags)
GENRE_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "house": (("house track", "house tune", "house groove", "EDM track", "electronic dance track", "club track", "dance track"), ("house", "EDM", "electronic", "dance")),
    "techno": (("techno track", "techno groove", "electronic dance track", "EDM track", "club track", "techno tune"), ("techno", "electronic", "EDM")),
    "trance": (("trance track", "trance anthem", "EDM track", "electronic dance track", "trance tune"), ("trance", "EDM", "electronic")),
    "drum and bass": (("drum and bass track", "drum & bass tune", "DnB track", "jungle-style electronic track"), ("drum and bass", "DnB", "electronic")),
    "dubstep": (("dubstep track", "dubstep piece", "half-time bass music track", "EDM track"), ("dubstep", "electronic", "bass music")),
    "electro": (("electro track", "electro groove", "electronic track", "electro tune", "electronica piece"), ("electro", "electronic", "electronica")),
    "synthwave": (("synthwave track", "retrowave track", "80s-style synth track", "synthpop instrumental", "synthwave piece"), ("synthwave", "retrowave", "80s", "electronic")),
    "chiptune": (("chiptune", "8-bit track", "chiptune track", "retro video game tune", "8-bit chiptune piece"), ("chiptune", "8-bit", "video game")),
    "ambient": (("ambient piece", "ambient soundscape", "ambient track", "chillout piece", "atmospheric electronic piece"), ("ambient", "electronic", "chillout")),
    "lo-fi hip hop": (("lo-fi hip hop beat", "lofi beat", "lo-fi track", "chillhop instrumental", "lo-fi hip-hop instrumental"), ("lofi", "chillhop", "hip hop", "chillout")),
    "hip hop": (("hip hop beat", "hip-hop instrumental", "boom bap beat", "hip hop track", "rap instrumental"), ("hip hop", "hiphop", "boom bap")),
    "trap": (("trap beat", "trap instrumental", "trap track", "hip hop beat"), ("trap", "hip hop", "urban")),
    "rock": (("rock song", "rock track", "rock instrumental", "rock tune", "alternative rock track"), ("rock", "alternative rock", "instrumental rock")),
    "metal": (("metal track", "heavy metal instrumental", "metal song", "hard rock and metal track"), ("metal", "heavy metal", "rock")),
    "punk rock": (("punk rock song", "punk track", "pop-punk instrumental", "punk rock tune"), ("punk", "punk rock", "rock")),
    "jazz": (("jazz tune", "jazz piece", "jazz instrumental", "swing tune", "swinging jazz piece", "jazz standard-style tune"), ("jazz", "swing", "lounge")),
    "bossa nova": (("bossa nova", "bossa nova tune", "bossa nova piece", "Brazilian jazz tune", "latin jazz piece"), ("bossa nova", "latin", "lounge", "easy listening")),
    "funk": (("funk track", "funk groove", "funk jam", "funky instrumental", "funk tune"), ("funk", "groove", "instrumental funk")),
    "disco": (("disco track", "disco tune", "nu-disco groove", "disco instrumental", "dance track"), ("disco", "dance", "funk")),
    "reggae": (("reggae track", "reggae tune", "reggae groove", "roots reggae instrumental"), ("reggae", "roots", "dub")),
    "blues": (("blues tune", "blues track", "blues instrumental", "blues jam", "twelve-bar-style blues"), ("blues", "blues rock", "roots")),
    "folk": (("folk tune", "folk song", "acoustic folk piece", "indie folk instrumental", "folk instrumental"), ("folk", "acoustic", "singer-songwriter")),
    "country": (("country tune", "country song", "country instrumental", "americana track", "country track"), ("country", "americana", "folk")),
    "classical piano": (("solo piano piece", "classical piano piece", "piano solo", "classical piece", "piano composition"), ("classical", "piano", "solo piano")),
    "orchestral": (("orchestral piece", "symphonic piece", "classical orchestral work", "orchestral soundtrack cue", "symphonic composition"), ("orchestral", "classical", "symphonic", "soundtrack")),
    "cinematic": (("cinematic piece", "soundtrack cue", "film score", "cinematic track", "trailer-style score", "soundtrack"), ("cinematic", "soundtrack", "film score")),
    "string quartet": (("string quartet", "chamber music piece", "classical string piece", "string quartet movement"), ("classical", "chamber music", "string quartet")),
    "waltz": (("waltz", "waltz in three", "classical waltz", "dance in triple time", "waltz tune"), ("waltz", "classical", "ballroom")),
    "pop ballad": (("pop ballad", "ballad", "slow pop song", "soft pop instrumental"), ("ballad", "pop", "soft pop")),
    "pop": (("pop song", "pop track", "pop instrumental", "indie pop tune", "pop tune"), ("pop", "indie pop", "easy listening")),
    "latin": (("latin track", "latin dance tune", "salsa-style tune", "latin groove", "latin instrumental"), ("latin", "salsa", "world")),
    "world fusion": (("world music piece", "world fusion track", "ethnic fusion piece", "world music track"), ("world", "world fusion", "ethnic")),
    "new age": (("new age piece", "relaxation piece", "new age track", "easy listening piece", "meditation piece"), ("new age", "easy listening", "relaxation")),
}  # fmt: skip

NO_GENRE = (
    ("instrumental", "instrumental piece", "piece of music", "instrumental track", "composition", "tune"),
    ("instrumental",),
)

PLURAL = ("strings", "bells", "congas", "drums", "chords", "keys")
MASS = ("crackle", "percussion", "brass")

# instrument families: what a listener may call the instrument in general
FAMILY: dict[str, tuple[str, ...]] = {
    "supersaw lead": ("synth lead", "synthesizer", "synth"), "supersaw chords": ("synth chords",),
    "saw lead": ("synth lead", "synth", "synthesizer"), "square lead": ("synth lead", "synth", "synthesizer"),
    "plucked synth": ("synth", "synth pluck"), "arpeggiated synth": ("synth arpeggio", "synth"),
    "warm pad": ("synth pad", "soft pad"), "airy pad": ("synth pad", "ethereal pad"), "choir pad": ("choir-like pad",),
    "clean electric guitar": ("electric guitar", "guitar"), "overdriven guitar": ("electric guitar", "overdriven electric guitar"),
    "distorted guitar": ("electric guitar", "distorted electric guitar"), "muted guitar": ("electric guitar", "palm-muted guitar"),
    "acoustic guitar": ("guitar",), "nylon guitar": ("classical guitar", "acoustic guitar", "guitar"), "jazz guitar": ("electric guitar", "guitar"),
    "double bass": ("upright bass", "acoustic bass", "bass"), "electric bass": ("bass guitar", "bass"), "fretless bass": ("bass guitar", "bass"),
    "slap bass": ("slapped bass guitar", "bass"), "synth bass": ("bass synth", "bass"), "sub bass": ("bass",), "acid bass": ("303-style bass", "synth bass line"),
    "reese bass": ("bass synth", "bass"), "electric piano": ("Rhodes-style keys", "keyboard"), "piano": ("keys",),
    "drum machine": ("electronic beat", "electronic drum beat"), "electronic drums": ("electronic beat", "programmed drum beat"),
    "808 drums": ("drum machine", "808 beat"), "acoustic drums": ("drum kit", "drums"), "rock drums": ("drum kit", "drums"),
    "jazz drums": ("drum kit", "drums"), "brushed drums": ("drum kit played with brushes", "soft drum kit"),
    "breakbeat drums": ("breakbeat", "fast drum break"), "8-bit drums": ("noise drums", "8-bit beat"),
    "chiptune lead": ("8-bit lead", "pulse-wave lead"), "chiptune arpeggio": ("8-bit arpeggio",), "chiptune bass": ("8-bit bass", "bass"),
    "violin": ("solo violin",), "strings": ("string section", "string ensemble"), "synth strings": ("string synth", "synthesizer"),
    "french horn": ("horn",), "saxophone": ("sax",), "fiddle": ("folk violin",), "brass": ("brass section", "horn section"),
    "contrabass": ("bowed double bass",), "organ": ("electric organ", "keyboard"),
}  # fmt: skip

ADJECTIVES: dict[str, tuple[str, ...]] = {
    "supersaw lead": ("soaring", "pulsing", "huge", "bright"), "supersaw chords": ("wide", "bright", "big"),
    "saw lead": ("buzzing", "sharp", "bright"), "square lead": ("hollow", "catchy", "retro"),
    "plucked synth": ("crisp", "bouncing", "bright"), "arpeggiated synth": ("pulsing", "flowing", "rippling"),
    "warm pad": ("lush", "soft", "enveloping"), "airy pad": ("floating", "shimmering", "airy"),
    "strings": ("lush", "sweeping", "warm"), "synth strings": ("lush", "retro", "wide"), "bells": ("glassy", "sparkling", "shimmering"),
    "distorted guitar": ("crunchy", "heavy", "roaring"), "overdriven guitar": ("gritty", "biting", "crunchy"),
    "clean electric guitar": ("bright", "clean", "jangly"), "acoustic guitar": ("warm", "woody", "bright"),
    "nylon guitar": ("warm", "gentle", "mellow"), "sub bass": ("deep", "rumbling", "low"), "acid bass": ("squelchy", "resonant", "biting"),
    "reese bass": ("growling", "dark", "detuned"), "synth bass": ("driving", "fat", "punchy"), "slap bass": ("popping", "funky", "percussive"),
    "electric bass": ("steady", "round", "solid"), "double bass": ("woody", "warm", "deep"), "drone": ("deep", "low", "dark"),
    "drum machine": ("punchy", "steady", "crisp", "tight"), "808 drums": ("crisp", "booming", "tight"), "rock drums": ("hard-hitting", "driving", "solid"),
    "acoustic drums": ("steady", "natural", "solid"), "brushed drums": ("soft", "light", "subtle"), "jazz drums": ("swinging", "light", "crisp"),
    "choir pad": ("ethereal", "wordless", "distant"), "saxophone": ("smooth", "expressive", "breathy"), "trumpet": ("bright", "bold", "clear"),
    "flute": ("airy", "light", "lyrical"), "piano": ("expressive", "clear", "delicate"), "electric piano": ("mellow", "smooth", "warm"),
    "vinyl crackle": ("dusty", "warm", "nostalgic"), "orchestral percussion": ("thunderous", "dramatic", "big"),
}  # fmt: skip
ROLE_ADJECTIVES = {
    "melody": ("expressive", "lyrical", "singing", "memorable"), "chords": ("rhythmic", "steady", "rich"),
    "arpeggio": ("flowing", "rippling", "arpeggiated", "intricate"), "pad": ("sustained", "soft", "lush"),
    "bass": ("steady", "deep", "solid"), "drums": ("steady", "tight"), "percussion": ("lively", "steady"), "effect": ("rising",),
}  # fmt: skip
# Words that would be wrong for quietly played parts.
LOUD_ADJECTIVES = (
    "huge",
    "heavy",
    "roaring",
    "hard-hitting",
    "thunderous",
    "booming",
    "big",
    "punchy",
    "driving",
    "bold",
    "soaring",
)

THE = ("club", "dance floor", "city at night", "beach", "countryside", "desert", "concert hall")
BARE = ("yoga", "ballet")
THEME_PHRASES = {
    "underwater": "an underwater scene", "study": "studying", "sleep": "falling asleep", "trailer": "a film trailer",
    "technology": "a technology video", "future": "a futuristic scene", "action": "an action scene", "space": "a space scene",
    "sport": "a sports video", "summer": "a summer day", "nature": "a nature film", "travel": "a travel video",
    "love": "a love story", "romance": "a romantic scene", "horror": "a horror film", "comedy": "a comedy scene",
    "history": "a history documentary", "victory": "a moment of victory", "memories": "looking back on old memories",
    "racing": "a racing game", "relaxation": "relaxing", "fantasy": "a fantasy story", "science fiction": "a science fiction film",
    "advertising": "an advert", "reflection": "quiet reflection", "Paris": "a walk through Paris", "battle": "a battle scene",
    "island": "an island holiday", "night": "a night out", "city": "a city scene", "street": "a street scene", "commercial": "a TV commercial",
    "extreme sport": "an extreme sports video", "adventure": "an adventure film", "storytelling": "telling stories",
    "retro gaming": "a retro game", "pixel art": "a pixel art game", "ancient times": "a film about ancient times",
    "motor racing": "a motor race", "meditation": "meditation", "skateboarding": "a skateboarding video",
}  # fmt: skip

AROUSED = (
    "energetic", "intense", "fast-paced", "aggressive", "furious", "driving", "euphoric", "powerful", "festive", "heavy",
    "anthemic", "epic", "triumphant", "fiery", "angry", "upbeat", "lively", "rebellious", "heroic", "menacing", "majestic",
)  # fmt: skip
CALM = (
    "calm", "peaceful", "relaxing", "gentle", "serene", "soothing", "meditative", "tender", "relaxed", "chill", "intimate",
    "introspective", "laid-back",
)  # fmt: skip
MOOD_SYNONYMS = {
    "energetic": ("energetic", "high-energy", "lively"), "happy": ("happy", "joyful", "cheerful"), "calm": ("calm", "tranquil", "quiet"),
    "dark": ("dark", "brooding", "shadowy"), "dreamy": ("dreamy", "hazy", "dreamlike"), "epic": ("epic", "grand", "larger-than-life"),
    "melancholic": ("melancholic", "sad", "wistful"), "sad": ("sad", "sorrowful", "melancholic"), "groovy": ("groovy", "grooving", "rhythmic"),
    "relaxed": ("relaxed", "easygoing", "laid-back"), "relaxing": ("relaxing", "soothing", "calming"), "uplifting": ("uplifting", "inspiring", "positive"),
    "romantic": ("romantic", "tender", "loving"), "mellow": ("mellow", "smooth", "easygoing"), "intense": ("intense", "forceful", "relentless"),
    "upbeat": ("upbeat", "lively", "bouncy"), "mysterious": ("mysterious", "enigmatic", "secretive"), "dramatic": ("dramatic", "theatrical", "stirring"),
}  # fmt: skip
HALF_TIME = ("trap", "dubstep")
