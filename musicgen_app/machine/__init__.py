"""What this computer has: files, folders, settings, processor and accelerator.

files          the one durable writer
checksums      the SHA-256 of files
paths          where things live
unfinished     what long clips that were stopped go on from
user_settings  the user's settings, and where each value comes from
device         processor or accelerator, and the precision there
numba_kernels  what compiled kernels share
"""
