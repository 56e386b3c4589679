lab.guess("after-kill", "lost")
