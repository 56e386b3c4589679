lab.guess("offline-qos0", "alarms")
