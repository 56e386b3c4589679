lab.guess("common-name", "name")
