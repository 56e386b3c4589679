lab.guess("clean-false", "lost")
