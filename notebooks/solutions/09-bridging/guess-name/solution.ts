lab.guess("remote-name", "prefixed")
