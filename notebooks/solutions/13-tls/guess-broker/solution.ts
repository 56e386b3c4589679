lab.guess("broker-reads", "disk")
