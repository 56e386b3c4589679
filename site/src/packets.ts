import { dump } from "kernel-helpers/dist/views/dump";
import { fold } from "kernel-helpers/dist/views/fold";
import { labelParts, type Part, since } from "kernel-helpers/dist/views/label";
import { foldText, type PacketsData } from "kernel-helpers/dist/views/packets";
import { clientNames, lost, type PacketRecord, toBytes, wireLength } from "kernel-helpers/dist/views/record";
import { type SequenceData, sequencePicture } from "kernel-helpers/dist/views/sequence";
import { escapeHtml, tag } from "./escape";
import { legible } from "./picture";
import { sanitiseSvg } from "./sanitise-svg";
import { scrollBox } from "./scroll";

/** Packets that a page lists before the middle folds: as many as the picture shows. */
const LISTED = 40;

/**
 * A recording drawn again for a page: the picture, and below it every packet, which unfolds to its meaning and bytes.
 * Complete without a script; with it the packets can be stepped through and filtered by client.
 * Undefined where the notebook kept a part of the recording only. Throws for data that is not of this shape.
 */
export function sequenceHtml(data: SequenceData, label: string): string | undefined {
  if (data.packets.length !== data.total) return undefined;
  const drawn = sequencePicture(data.packets, { ...data, title: String(data.caption) });
  const svg = sanitiseSvg(drawn, { themed: true });
  if (svg === undefined) return undefined;
  const picture = scrollBox(`${label}: sequence`, legible(svg), "view sequence");
  if (!data.total) return picture;
  const list = `<details class="steps"><summary>Packet by packet, down to the bytes</summary>${listHtml(data)}</details>`;
  return `<div class="wire">${picture}${list}</div>`;
}

/** The same as a table of packets, without the picture. */
export function packetsHtml(data: PacketsData, label: string): string | undefined {
  if (data.packets.length !== data.total) return undefined;
  const count = `${data.total} ${data.total === 1 ? "packet" : "packets"}`;
  const caption = escapeHtml(`${data.caption}: ${data.total ? count : "no packets yet"}`);
  const list = data.total ? listHtml(data) : "";
  return `<div class="wire view packets" role="group" aria-label="${escapeHtml(label)}: packets"><p class="caption">${caption}</p>${list}</div>`;
}

function listHtml({ packets: records, unfold = [] }: PacketsData): string {
  const name = clientNames(records);
  const first = records[0]?.at ?? 0;
  const { head, folded, tail } = fold(records, LISTED);
  const item = (record: PacketRecord): string =>
    itemHtml(record, name(record), since(record.at, first), unfold.includes(record.number));
  const middle = folded.length ? `<li class="more">${escapeHtml(foldText(folded))}</li>` : "";
  return `<ol>${head.map(item).join("")}${middle}${tail.map(item).join("")}</ol>`;
}

function itemHtml(record: PacketRecord, client: string, time: string, open: boolean): string {
  const up = record.direction === "to-broker";
  const number = Number(record.number) || 0;
  const way = `<span class="way ${up ? "up" : "down"}"><bdi>${escapeHtml(client)}</bdi> ${up ? "→" : "←"}${lost(record) ? " ✗" : ""} broker</span>`;
  const summary = `<summary><span class="no">${number}</span> <span class="at">${escapeHtml(time)}</span> ${way} <span class="what">${labelParts(record).map(partHtml).join(" ")}</span></summary>`;
  return tag(
    "li",
    { "data-packet": number, "data-client": client },
    `<details${open ? " open" : ""}>${summary}${meaningHtml(record)}${bytesHtml(record, number)}</details>`,
  );
}

function partHtml(part: Part, i: number): string {
  const text = part.foreign ? `<bdi>${escapeHtml(part.text)}</bdi>` : escapeHtml(part.text);
  if (part.bad) return `<b class="bad">${text}</b>`;
  return i === 0 || part.strong ? `<b>${text}</b>` : text;
}

const meaningHtml = ({ explanation = [] }: PacketRecord): string =>
  explanation.length
    ? `<ul>${explanation.map((sentence) => `<li>${escapeHtml(String(sentence))}</li>`).join("")}</ul>`
    : "";

/** Each field's bytes begin a line, and its name and meaning stand beside them; neighbours differ by background. */
function bytesHtml(record: PacketRecord, number: number): string {
  const length = wireLength(record);
  const lines = dump(toBytes(record.bytes), record.fields ?? [], { length });
  const rows = lines.map(({ start, hex, ascii, field, name, text, skipped }) => {
    const at = start.toString(16).padStart(4, "0");
    const bytes = skipped ? `${at}  … ${skipped} more` : `${at}  ${hex.padEnd(23)}  ${ascii.padEnd(8)}`;
    const said =
      name === undefined ? "" : ` <b>${escapeHtml(name)}</b>${text ? ` <bdi>${escapeHtml(text)}</bdi>` : ""}`;
    return `<span${field % 2 ? "" : ' class="alt"'}>${escapeHtml(bytes.padEnd(39))}</span>${said}`;
  });
  const size = `${length} ${length === 1 ? "byte" : "bytes"}`;
  return scrollBox(`Bytes of packet ${number}, ${size}`, `<pre>${rows.join("\n")}</pre>`, "dump");
}
