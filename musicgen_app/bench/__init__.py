"""`ttm-app bench`: how fast, how large and how exact the systems run on this machine.

run        settings -> report
child      runs one part in a process of its own
parts      what is measured, by measure (times, memory, errors) and products (the matrix products alone)
standin    models with random weights
musicgen   what the systems are compared with, beside the plain backbones of `backbones.reference`
table      prints a report
expected   what was measured elsewhere, by the speed of this machine
"""
