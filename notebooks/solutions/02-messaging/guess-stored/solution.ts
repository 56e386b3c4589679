lab.guess("stored", "nothing")
