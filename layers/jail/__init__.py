"""Reading in a child process that can reach nothing but its file.

`client` is the parent's side, `zygote` the warm process that forks a child for each file, `confine` what the child
gives up before it opens the file, and `transfer` how values cross without being able to run anything.
"""
