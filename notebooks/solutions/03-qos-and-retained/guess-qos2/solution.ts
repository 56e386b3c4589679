lab.guess("qos2-packets", "8")
