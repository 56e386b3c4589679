lab.guess("echo", "two")
