"""Measures of sets of clips: distances, scores and their intervals.

embeddings     clips -> vectors of an embedder, which the others share
statistics     a second embedder, of figures of the sound that no training used
fad            Fréchet audio distance between two sets
clap_score     how near each clip is to its prompt
ccs            concept coverage: the concepts of a prompt, and judges that say whether they are heard
perceptual     how alike two recordings sound by models of hearing
bootstrap      confidence intervals of all of these
pareto         which of many settings no other beats
"""
