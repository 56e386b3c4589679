lab.guess("no-config", "closed")
