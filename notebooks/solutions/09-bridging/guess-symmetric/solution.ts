lab.guess("symmetric", "none")
