/** Notebooks for tests, made in place. */

export interface TestCell {
  readonly [key: string]: unknown;
}

let made = 0;
const nextId = (): string => `cell${++made}`;

export const prose = (source: string, more: TestCell = {}): TestCell => ({
  cell_type: "markdown",
  id: nextId(),
  metadata: {},
  source,
  ...more,
});

export const code = (source: string, outputs: unknown[] = [], more: TestCell = {}): TestCell => ({
  cell_type: "code",
  id: nextId(),
  metadata: {},
  execution_count: 1,
  source,
  outputs,
  ...more,
});

export const shown = (data: Record<string, unknown>): unknown => ({ output_type: "display_data", data, metadata: {} });
export const view = (kind: string, data: unknown, beside: Record<string, unknown> = {}): unknown =>
  shown({ "application/vnd.mqtt-notebooks.view+json": { version: 1, kind, data }, ...beside });
export const stream = (text: string, name = "stdout"): unknown => ({ output_type: "stream", name, text });

export const notebook = (cells: readonly unknown[], metadata: Record<string, unknown> = {}): string =>
  JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { language_info: { name: "typescript" }, ...metadata },
    cells,
  });
