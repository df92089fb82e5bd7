"""The app as tools of an agent over MCP.

tools      what an agent can do: the table TOOLS
answering  the loop that answers it, on stdin and stdout
"""
