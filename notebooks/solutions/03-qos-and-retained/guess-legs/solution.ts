lab.guess("legs", "0")
