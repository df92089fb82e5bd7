"""What a studio does to sound; every effect takes and returns (2, N) float32 and knows nothing of scores.

filters     cuts, shelves and bells
dynamics    compression, saturation, limiting
amplifiers  guitar and bass amplifiers with their cabinets
modulation  chorus, tremolo, rotary speaker, echo, widening
rooms       impulse responses of rooms, plates and springs, and convolution
"""
