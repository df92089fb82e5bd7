"""`ttm-app bench`: how fast, how large and how exact the systems run on this machine.

run (settings -> report) -> child (one part a process) -> parts (what is measured); standin makes models with random
weights, plain and musicgen are what they are compared with, table prints a report.
"""
