lab.guess("overflow", "newest")
