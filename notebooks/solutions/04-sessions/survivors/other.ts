type Sent = { text: string; qos: 0 | 1 };
// A queue as the broker keeps it, message by message.
function survivors(night: Sent[], limit: number): string[] {
  const queue: string[] = [];
  for (const { text, qos } of night) {
    const isFull = queue.length >= limit;
    if (qos === 1 && !isFull) queue.push(text);
  }
  return queue;
}
