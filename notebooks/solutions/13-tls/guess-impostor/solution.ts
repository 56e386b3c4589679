lab.guess("impostor", "all")
