import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A stream that hands on whole lines; the rest comes when it ends. */
export function lineSink(line: (text: string) => void): Writable {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop()!;
      for (const text of lines) line(text.replace(/\r$/, ""));
      done();
    },
    final(done) {
      rest += decoder.end();
      if (rest) line(rest);
      done();
    },
  });
}

/** A stream that keeps all it gets. */
export function textSink(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}

/** Resolves when a stream is over, however it ended. */
export function over(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => {
    stream
      .on("end", resolve)
      .on("close", resolve)
      .on("error", () => resolve());
  });
}
