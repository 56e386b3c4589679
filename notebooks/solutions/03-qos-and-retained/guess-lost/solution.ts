lab.guess("lost-ack", "2")
