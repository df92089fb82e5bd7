"""Models: the folder format, the ones that are installed, and where public frozen parts come from.

bundle         a model's folder: read, checked, written
installed      the models here: found, added, removed; a request meets its model
hub            the public files that several models share
paper_systems  what turns a backbone preset into a whole model
torch_file     tensors out of a foreign checkpoint, safely
"""
