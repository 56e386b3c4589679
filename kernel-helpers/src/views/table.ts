import { isolate, visible } from "./escape";
import { card, emptyCard, htmlTable } from "./html";
import { textTable } from "./text";
import { type View, view } from "./view";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** In the type of code: topics, payloads, ids. */
  readonly mono?: boolean;
  /** Never broken into lines: for short words beside a wide column. */
  readonly nowrap?: boolean;
}

export type Value = string | number | boolean | null;

export interface TableData {
  readonly caption: string;
  readonly columns: readonly (Column | string)[];
  readonly rows: readonly (readonly Value[])[];
  /** Which column names the row, default the first (0). */
  readonly rowHeader?: number;
}

/** A table with a caption and row headers. Numbers align right unless a column says otherwise; null is an empty cell. */
export function tableView(table: TableData): View<"table", TableData> {
  const columns = table.columns.map((column, i) => withDefaults(column, table.rows, i));
  const rows = table.rows.map((row) => columns.map((_, i) => shown(row[i])));
  const data: TableData = { ...table, columns };
  if (!rows.length) {
    const text = `${visible(table.caption)}: no rows yet`;
    return view("table", data, { as: "html", picture: emptyCard(text), text });
  }
  const html = rows.map((row) => row.map(isolate));
  return view("table", data, {
    as: "html",
    picture: card(htmlTable(table.caption, columns, html, { rowHeader: table.rowHeader })),
    text: `${visible(table.caption)}\n\n${textTable(columns, rows)}`,
  });
}

function withDefaults(column: Column | string, rows: TableData["rows"], i: number): Column {
  const given: Column = typeof column === "string" ? { title: column } : column;
  const numeric = rows.length > 0 && rows.every((row) => typeof row[i] === "number" || row[i] == null);
  // A browser would break it after its hyphens.
  const dates = rows.length > 0 && rows.every((row) => /^\d{4}-\d{2}-\d{2}$/.test(String(row[i])));
  return { ...(dates ? { nowrap: true } : {}), ...given, align: given.align ?? (numeric ? "right" : "left") };
}

const shown = (value: Value | undefined): string => (value === null || value === undefined ? "" : String(value));
