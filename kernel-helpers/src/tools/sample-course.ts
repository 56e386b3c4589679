import { bundle } from "../views/view";
import { samples } from "./gallery";

/**
 * Notebooks as large and as mixed as those of the course, for measuring: prose with code and tables, TypeScript, streams
 * with colours, tracebacks, tables as HTML, pictures as SVG, JSON, and our own views. The same every time.
 */
export async function sampleCourse(notebooks = 18, cells = 40): Promise<{ name: string; text: string }[]> {
  // Long recordings are no part of a usual page.
  const views = (await samples()).filter(({ name }) => !/500|long|hostile/.test(name));
  const display = views.map(({ view }) => shown(bundle(view)));
  return Array.from({ length: notebooks }, (_, n) => ({
    name: `${String(n + 1).padStart(2, "0")}-sample`,
    text: JSON.stringify(
      {
        nbformat: 4,
        nbformat_minor: 5,
        metadata: {
          kernelspec: { name: "tslab", display_name: "TypeScript (tslab)", language: "typescript" },
          language_info: { name: "typescript", file_extension: ".ts", mimetype: "text/typescript" },
          mqtt: { run: { ok: true, engine: "docker", mosquitto: "2.1.2", date: "2026-01-02T03:04:05Z" } },
        },
        cells: Array.from({ length: cells }, (_, i) => cell(n, i, display)),
      },
      null,
      1,
    ),
  }));
}

function cell(n: number, i: number, views: readonly unknown[]): Record<string, unknown> {
  const id = `c${n}-${i}`;
  if (i === 0) return { cell_type: "markdown", id, metadata: {}, source: CARD.replace("N", String(n + 1)) };
  if (i % 3 === 0)
    return { cell_type: "markdown", id, metadata: {}, source: i % 6 ? prose(n, i) : `## Part ${i}\n\n${prose(n, i)}` };
  const outputs = [OUTPUTS[(n + i) % OUTPUTS.length]?.(n, i, views) ?? []].flat();
  return { cell_type: "code", id, metadata: {}, execution_count: i, source: code(n, i), outputs };
}

const CARD =
  "# Sample N: what a broker keeps\n\n| | |\n|---|---|\n| Time | 55 minutes |\n| Broker | Mosquitto 2.1 |\n\nThe dashboard was empty for ten minutes after the restart.";

const SENTENCES = [
  "The broker keeps the last value of a topic when the publisher sets RETAIN, and hands it to whoever comes late.",
  "A **PUBACK** says that the broker has the message, and *not* that a subscriber has it (see [the next lab](02-sample.ipynb)).",
  "`listener 1883` opens a TCP port on every address; `allow_anonymous true` lets clients in without a user name.",
  "What to look for in the next output: the packet identifier in both directions, and the flag that matters.",
  "With Session Expiry 0 the session ends with its connection, whatever Clean Start said.",
];

function prose(n: number, i: number): string {
  const words = Array.from({ length: 4 }, (_, s) => SENTENCES[(n + i + s) % SENTENCES.length]).join(" ");
  const table =
    i % 4
      ? ""
      : "\n\n| QoS | packets | promise |\n|---|---:|---|\n| 0 | 1 | none |\n| 1 | 2 | at least once |\n| 2 | 4 | exactly once |";
  const fence = i % 5 ? "" : "\n\n```ts\nconst answer: number = 42; // of a kind\n```";
  return `${words}${table}${fence}\n\n- first, **look**\n- then \`measure\``;
}

const code = (n: number, i: number): string => `// The subscription is confirmed before anything is sent.
const client${i} = await lab.client(tap, { clientId: "meter-${n}", protocolVersion: 5, keepalive: ${i} });
await client${i}.mqtt.subscribeAsync("boiler/${n}/temp", { qos: 1 });
for (let k = 0; k < ${i}; k++) {
  await client${i}.mqtt.publishAsync(\`boiler/${n}/\${k}\`, String(20 + k / 2), { qos: 1, retain: k % 2 === 0 });
}
const seen: Record<string, number> = Object.fromEntries(tap.packets.map((one) => [one.packet.type, one.number]));
showSequence(tap.packets.filter(({ packet }) => packet.type !== "PINGREQ"))`;

const shown = (data: Record<string, unknown>) => ({ output_type: "display_data", data, metadata: {} });

const OUTPUTS: readonly ((n: number, i: number, views: readonly unknown[]) => unknown)[] = [
  (n, i, views) => views[(n * 7 + i) % views.length],
  (n) => ({
    output_type: "stream",
    name: "stdout",
    text: Array.from({ length: 20 }, (_, k) => `\u001b[32m${k}\u001b[0m boiler/${n}/temp  71.${k}  retained\n`).join(
      "",
    ),
  }),
  (n, i, views) => views[(n + i * 5) % views.length],
  () =>
    shown({
      "text/html": `<table><thead><tr><th>topic</th><th>value</th></tr></thead><tbody>${Array.from({ length: 15 }, (_, k) => `<tr><td style="text-align:left">boiler/${k}/temp</td><td>${k * 3}</td></tr>`).join("")}</tbody></table>`,
      "text/plain": "15 rows",
    }),
  (n) => shown({ "image/svg+xml": chart(n), "text/plain": "a chart" }),
  (n, i) => ({
    output_type: "execute_result",
    execution_count: i,
    data: { "text/plain": `{ n: ${n}, i: ${i}, ok: true }` },
    metadata: {},
  }),
  (n, i, views) => views[(n * 3 + i * 2) % views.length],
  (n) => ({
    output_type: "error",
    ename: "LabError",
    evalue: `TIMEOUT: no message on boiler/${n}`,
    traceback: [
      `\u001b[31mLabError\u001b[0m: TIMEOUT: no message on boiler/${n}`,
      "  at cell 4:2:7",
      "Try: publish one",
    ],
  }),
  (n) => shown({ "application/json": { broker: { n, version: "2.1.2" }, topics: ["a", "b", "c"] } }),
];

function chart(n: number): string {
  const points = Array.from(
    { length: 120 },
    (_, k) => `${k * 4},${(100 - 60 * Math.abs(Math.sin(k / 9 + n))).toFixed(1)}`,
  );
  const ticks = Array.from({ length: 12 }, (_, k) => `<text x="${k * 40}" y="118">${k * 10}</text>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="120" viewBox="0 0 480 120"><title>Queue depth</title><rect width="480" height="120" fill="#fff"/><polyline points="${points.join(" ")}" fill="none" stroke="#00639c"/><g font-size="10">${ticks}</g></svg>`;
}
