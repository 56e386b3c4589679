lab.guess("parent", "both")
