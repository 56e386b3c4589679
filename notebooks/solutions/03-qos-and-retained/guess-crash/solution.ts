lab.guess("crash", "nothing")
