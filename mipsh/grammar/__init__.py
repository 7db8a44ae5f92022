"""The shell's grammar: one parse for running, colouring, hints and completion; argv and REPL alike.

::

    line      = statement { ";" statement } [ "#" comment ]
    statement = command { "|" stage } [ ( ">" | ">>" ) FILE ]
    stage     = "include" RE | "exclude" RE | "count" | "first" N | "last" N | "!" shell
    command   = phrase { option | argument }

A phrase is one or more words, each of which may be cut to a unique beginning. Pure: nothing
here runs anything, and no text makes it raise.
"""
