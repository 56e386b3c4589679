lab.guess("created", "unheard")
