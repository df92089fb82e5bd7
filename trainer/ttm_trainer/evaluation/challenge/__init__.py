"""The ICME 2026 Academic Text-to-Music challenge: what `ttm-app challenge` makes, checks and measures.

rules        what the challenge asks of a submission, and a folder checked against it
scores       the challenge's figures of a folder, as far as they are public, and what is missing and why
selection    candidates of several seeds -> the set that is best by FAD and CLAP score
making       a submission folder of a model, of one seed a prompt or the best of several
published    the entries as the papers have them, and a table of them beside one's own figures
"""
