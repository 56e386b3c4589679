lab.guess("history", "last")
