"""What `access.Guard` is made of.

tries      passwords counted by address
sessions   cookies of browsers that gave the password
proxies    whom `X-Forwarded-*` is believed of
answers    the headers of every answer, refusals, bodies that are counted as they come
lines      connections that send nothing are not waited for
"""
