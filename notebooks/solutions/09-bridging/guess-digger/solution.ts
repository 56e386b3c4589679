lab.guess("digger", "success")
