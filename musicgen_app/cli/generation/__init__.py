"""`ttm-app generate`, and its batches.

generate                        the command
plan_options, length_options    options that say what is played, and how many bars of it
batch, prompt_file, claims      many prompts: their lines, and which of several processes makes which
shared_options                  options that all commands which make clips share
output_files                    names of files, what is written and printed
"""
