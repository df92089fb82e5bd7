"""The words the rules know: genres, styles, kinds of piece, instruments, their adjectives, moods, themes.

Each table is text: entries are separated by ";", and an entry is how the word is written in a caption, then, after
"|", other ways it is found. The tags of MTG-Jamendo are all here, also as they run together there ("acousticguitar").
"""

from __future__ import annotations

# Words before "track" or "piece": "an ambient piece".
GENRES = """
ambient; dark ambient; chillout|chill-out|chill out|chillwave; downtempo|down-tempo|downbeat; lounge;
easy listening|easylistening|easy-listening; new age|newage|new-age; electronica; electro; electroacoustic;
EDM|electronic dance music|electronic dance; dance|club music|club track|dance music; house; deep house|deephouse;
progressive house; tech house; acid house; tropical house; techno; minimal techno; trance;
psytrance|psychedelic trance|goa trance; eurodance;
drum and bass|drum & bass|drum n bass|drum'n'bass|drum 'n' bass|dnb|d&b|drumnbass; jungle-style electronic;
breakbeat|big beat; dubstep; dub; bass music; trip hop|trip-hop|triphop; IDM; glitch; industrial;
synthwave|retrowave|synth wave; vaporwave; synth-pop|synthpop|synth pop; electropop|electro-pop|electro pop;
dance-pop|dance pop; darkwave|dark wave; new wave|newwave; chiptune|8-bit|8bit|chip tune; hip hop|hip-hop|hiphop|rap;
lo-fi hip hop|lofi hip hop|lo-fi hip-hop|chillhop|lofi beat; trap; boom bap;
R&B|rnb|r'n'b|rhythm and blues|contemporary r&b; soul; neo-soul|neo soul; funk; jazz-funk|jazz funk|jazzfunk; disco;
nu-disco|nu disco; jazz; smooth jazz|smoothjazz; acid jazz|acidjazz; jazz fusion|jazzfusion|jazz-fusion; bebop;
free jazz|free-jazz|freejazz; Latin jazz|latinjazz; swing; big band|big-band; blues; blues rock|bluesrock|blues-rock;
rock; alternative rock|alternativerock|alternative|alt-rock; indie rock|indierock|indie-rock; indie;
indie pop|indiepop|indie-pop; indie folk; hard rock|hardrock; classic rock|classicrock; soft rock;
progressive rock|prog rock|progressiverock; post-rock|postrock|post rock; punk rock|punkrock; punk;
pop punk|pop-punk|poppunk; grunge; psychedelic rock|psych rock; surf rock|surf;
rock and roll|rock 'n' roll|rock'n'roll|rocknroll|rock n roll|rock & roll; rockabilly; metal; heavy metal|heavymetal;
death metal|deathmetal; black metal; doom metal; gothic rock; shoegaze; dream pop|dream-pop; garage rock; stoner rock;
krautrock; pop; pop rock|poprock|pop-rock; Britpop; K-pop|kpop; J-pop|jpop;
country|country-flavoured|country-flavored; country rock; bluegrass; Americana; folk; folk rock|folk-rock;
psych folk|psych-folk; singer-songwriter|singersongwriter; Celtic; world music|worldmusic|world beat|worldbeat;
world fusion|worldfusion|ethnic fusion; Afrobeat|afrobeats; Latin; salsa|salsa-style; samba;
bossa nova|bossanova|bossa; tango; flamenco; reggae; roots reggae; ska; dancehall; reggaeton; cumbia; mambo; rumba;
klezmer; classical; neoclassical|neo-classical|modern classical|contemporary classical; baroque|baroque-style;
chamber music; choral; gospel; spoken word; video game|video game music|videogame music|game music; marching band;
ragtime; ballroom; musical theatre
"""
# Words that colour a genre: "an acoustic folk piece". One is used, the first.
STYLES = """
electronic; acoustic; orchestral; symphonic|symphony; cinematic|film-like|trailer music; minimalist|minimalism;
experimental|avant-garde; psychedelic; retro; vintage; lo-fi|lofi|low-fidelity; tribal; ethnic; medieval; Renaissance;
Celtic-inspired; gothic; Middle Eastern|arabic|oriental; Indian; African; Asian; Japanese; Chinese; Balkan; Brazilian;
Cuban; Caribbean; Hawaiian; Spanish; Irish; Scottish; 50s|1950s|1950s-style; 60s|1960s|1960s-style|60s-style;
70s|1970s|1970s-style|70s-style; 80s|1980s|1980s-style|80s-style; 90s|1990s|1990s-style|90s-style; tropical;
instrumental
"""
# Kinds of piece, used instead of "track" or "piece".
KINDS = """
soundtrack|film score|trailer-style score|cinematic score|movie score|film soundtrack|movie soundtrack|soundtracks;
soundscape|soundscapes; ballad|slow pop song; anthem; waltz; string quartet|string quartet movement; march; lullaby;
nocturne; sonata; serenade; fanfare; hymn; improvisation|improv; jingle; theme song; étude|etude
"""
# {} is "" or "s"; without it the word has one form.
INSTRUMENTS = """
piano{}; grand piano{}; upright piano{}; honky-tonk piano{}; felt piano;
electric piano|electric pianos|electricpiano|rhodes|rhodes piano|fender rhodes|wurlitzer|rhodes-style keys;
prepared piano; clavinet{}; keyboard{}; keys; organ{}; electric organ{}; Hammond organ|hammond;
pipe organ|church organ; harpsichord{}; celesta; accordion{}; bandoneon{}; harmonica{}; melodica{};
synth{}|synthesizer|synthesiser|synthesizers|synthesisers; lead synth{}|synth lead|synthesizer lead; synth leads;
synth pad{}|pad|pads|synthesizer pads|ambient pads; choir pad{}|choir-like pad; string synth{}|synth strings;
arpeggiated synth{}|synth arpeggio|synth arpeggios; plucked synth{}|synth pluck; saw lead{};
square lead{}|pulse-wave lead; supersaw lead{}; supersaw chords; supersaws; chiptune lead{}|8-bit lead;
chiptune bass|8-bit bass; chiptune arpeggio{}|8-bit arpeggio; 8-bit drums|8-bit beat|noise drums;
synth bass|bass synth|bass synthesizer|synthesized bass|synth bassline; sub bass|sub-bass; acid bass|303-style bass;
reese bass; modular synth{}; analog synth{}|analogue synth|analog synthesizers; sequencer{}; sampler{}; samples;
theremin; Mellotron; drum machine{}|drummachine|programmed drums|programmed drum beat;
electronic drums|electronic drum beat|electronic beat|electronic percussion; electronic beats;
808 drums|808s|808 beat; acoustic drums; rock drums; jazz drums; brushed drums|drum kit played with brushes;
breakbeat drums|drum break|breakbeats;
drums|drum kit|drum set|drumkit|drum|drumming|drum beat|drum beats|drum pattern|drum patterns|drum loop|drum loops;
kick drum{}|kick; snare{}|snare drum; hi-hat{}|hi hat|hi hats|hihats; cymbal{};
percussion|percussions|percussive elements; hand percussion; orchestral percussion; hand drums; congas|conga;
bongos|bongo; timbales; djembe{}; bodhrán|bodhran; tabla{}; timpani; tambourine{}; shaker{};
handclaps|claps|hand claps; finger snaps; cajón|cajon; taiko drums|taiko; steel drums|steelpan|steel pan; maracas;
cowbell{}; castanets; gong{}; bells|bell; tubular bells; glockenspiel{}; vibraphone{}; marimba{}; xylophone{};
kalimba{}; music box; handpan{}|hang drum; singing bowls; wind chimes|chimes; acoustic guitar{}|acousticguitar;
electric guitar{}|electricguitar; classical guitar{}|classicalguitar; nylon guitar{}|nylon-string guitar;
clean electric guitar{}; overdriven guitar{}|overdriven electric guitar;
distorted guitar{}|distorted electric guitar|distorted electric guitars; muted guitar{}|palm-muted guitar;
jazz guitar{}; wah-wah guitar{}|wah guitar; slide guitar{}; steel guitar{}; pedal steel;
twelve-string guitar|12-string guitar; guitar{}; bass guitar{}; electric bass|e-bass; fretless bass;
slap bass|slapped bass guitar|slapped bass; upright bass; double bass|doublebass|contrabass; acoustic bass;
walking bass; bass|bassline|bass line|basslines|bass lines; banjo{}; mandolin{}; ukulele{}; lute{}; oud{}; sitar{};
bouzouki{}; balalaika{}; koto{}; shamisen; erhu; guzheng; pipa; harp{}; zither{}; dulcimer{}; lyre{};
violin{}|solo violin; fiddle{}|folk violin; viola{}; cello{}|cellos|celli;
strings|string section|string ensemble|string orchestra|string sections; orchestra{}; chamber ensemble; flute{};
piccolo{}; recorder{}; pan flute{}|panpipes; bamboo flute{}; shakuhachi; tin whistle{}; ocarina{}; oboe{};
English horn; clarinet{}; bass clarinet; bassoon{}; saxophone{}|sax; alto saxophone|alto sax;
tenor saxophone|tenor sax; soprano saxophone|soprano sax; baritone saxophone|baritone sax; trumpet{}; muted trumpet{};
trombone{}; tuba{}; flugelhorn; French horn{}; horn{}|horns|horn section; synth brass;
brass|brass section|brass instruments; woodwinds|woodwind|woodwind section|winds|wind section; bagpipes|bagpipe;
didgeridoo; choir{}|choral voices|choir samples; vinyl crackle; field recordings; drone{};
turntable{}|scratching|turntable scratching
"""
# What an instrument may play, kept when it is said in the plural: "guitar riffs", "piano chords".
FIGURES = "chords|riffs|arpeggios|melodies|stabs|swells|licks|plucks|leads|textures|lines|loops|hits|fills|strums|pads"
ADJECTIVES = """
acoustic; electric; electronic; soft; warm; gentle; deep; driving; pulsing; pulsating; lush; shimmering; soaring;
bright; crisp; punchy; heavy; distorted; clean; muted; plucked; strummed; fingerpicked|finger-picked; arpeggiated;
sustained; sweeping; swelling; ethereal; airy; floating; atmospheric; delicate; mellow; smooth; rich; gritty; fuzzy;
overdriven; crunchy; funky; groovy; jazzy; bluesy; swinging; walking; syncopated; rhythmic; melodic; lyrical;
expressive; haunting; dark; eerie; hypnotic; steady; tight; thumping; pounding; booming; rumbling; growling;
thunderous; tribal; orchestral; analog; analogue; vintage; retro; digital; glitchy; detuned; bowed; pizzicato;
staccato; tremolo; solo; low; twangy; jangly; sparkling; glassy; crystalline; metallic; breathy; subtle; light;
lively; playful; energetic; powerful; dramatic; epic; majestic; bold; squelchy; filtered; echoing; dreamy;
melancholic; mournful; plaintive; tender; intimate; sparse; intricate; virtuosic; programmed; brushed; hard-hitting;
wide; big; huge; massive; fat; round; solid; dusty; rippling; flowing; buzzing; hollow; catchy; bouncing; squealing;
ringing; rolling; shuffling; industrial; cinematic; minimal; emotive; soulful; swirling; layered; rapid; singing
"""
MOODS = """
happy|happiness; joyful|joyous|joy; cheerful; sad|sadness; melancholic|melancholy; sorrowful|sorrow; somber|sombre;
wistful; nostalgic|nostalgia; bittersweet; dark|darkness; gloomy; brooding; ominous; menacing; eerie; haunting;
spooky; creepy; scary; tense|tension; suspenseful|suspense; mysterious|mystery; enigmatic; dramatic|drama; epic;
heroic; triumphant|triumph; majestic|majesty; grand|grandeur; powerful; intense|intensity; aggressive|aggression;
angry|anger; fierce; furious; fiery; energetic|high-energy|high energy|energy; lively; upbeat; uplifting;
inspiring|inspirational; motivational|motivating; hopeful|hope; optimistic|optimism; positive|positivity; sunny;
playful|playfulness; quirky; whimsical; funny|humorous; comical; fun; carefree; groovy; funky; sexy; sensual; sultry;
seductive; romantic|romance; passionate|passion; emotional; heartfelt; sentimental; tender|tenderness;
intimate|intimacy; gentle; calm|calmness|calming; peaceful|peace; serene|serenity; tranquil|tranquility|tranquillity;
relaxing|relaxation; relaxed; soothing; meditative; contemplative|contemplation; reflective;
introspective|introspection; thoughtful; pensive; dreamy|dreamlike; hazy; ethereal; atmospheric; hypnotic;
mesmerizing|mesmerising; spacey; cosmic; otherworldly; mystical; magical; enchanting; surreal; trippy; robotic;
loving; glamorous; futuristic; urban; laid-back|laid back; chill; mellow; easygoing; sophisticated; elegant|elegance;
graceful; refined; stately; delicate; noble; solemn; sacred; spiritual; mournful; tragic; lonely|loneliness; desolate;
bleak; sinister; raw; gritty; driving; fast-paced; relentless; forceful; euphoric|euphoria; ecstatic;
exciting|excitement; thrilling; adventurous; festive; celebratory|celebration; anthemic; catchy; danceable; bouncy;
vibrant; exuberant; rebellious; defiant; confident|confidence; determined|determination; soulful; exotic; pastoral;
rustic; earthy; moody; beautiful|beauty; sweet; lovely; charming; light-hearted|lighthearted; innocent; childlike;
yearning; longing; restless; anxious; chaotic; frantic; urgent|urgency; turbulent; stirring; evocative; quiet;
immersive; assertive; stark
"""
# Said of sound as often as of mood: used when no other mood is.
WEAK_MOODS = "warm|warmth; soft; bright; heavy; cool; light; smooth; airy; lush"
# What a bare tag stands for, as it follows "evokes"; the word counts as a theme only between commas.
THEMES = """
space: outer space; nature: nature; travel: travel; adventure: an adventure; film: a film; movie: a film;
documentary: a documentary; action: an action scene; children: childhood; christmas: Christmas; holiday: a holiday;
game: a game; video game: a video game; party: a party; sport: sports; summer: summer; trailer: a film trailer;
horror: a horror film; night: the night; city: the city at night; love: a love story; beach: the beach;
club: a night club; dream: a dream; fantasy: a fantasy world; sci-fi: science fiction;
science fiction: science fiction; winter: winter; concert: a concert; festival: a festival; desert: the desert;
ocean: the ocean; rain: rain; war: a battle; battle: a battle; racing: a race; meditation: meditation; sleep: sleep;
study: studying; warehouse: a warehouse party; sunrise: a sunrise; sunset: a sunset; corporate: a corporate video;
advertising: an advert; commercial: an advert; background: quiet background listening
"""
