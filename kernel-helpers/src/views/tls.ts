import type { TlsRecord } from "../mqtt/tls-reader";
import { tableView } from "./table";
import type { View } from "./view";

/** TLS records as they passed a tap, and what anybody on the way can read of each. */
export function tlsView(
  records: readonly Pick<TlsRecord, "number" | "direction" | "type" | "length" | "encrypted" | "messages">[],
  options: { caption?: string } = {},
): View {
  return tableView({
    caption: options.caption ?? "TLS records",
    columns: [
      "number",
      { title: "from", nowrap: true },
      { title: "record", nowrap: true },
      "bytes",
      "what anybody on the way can read",
    ],
    rows: records.map((record) => [
      record.number,
      record.direction === "to-broker" ? "client" : "broker",
      record.type,
      record.length,
      inClear(record),
    ]),
  });
}

function inClear({ type, encrypted, messages }: Pick<TlsRecord, "type" | "encrypted" | "messages">): string {
  if (!encrypted && messages.length) return messages.map(({ name, says }) => [name, ...says].join("; ")).join(" · ");
  return type === "change cipher spec" ? "from here on encrypted" : "nothing";
}
