/** JupyterLab in Chromium, driven through its own commands and looked at through its page. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import type { Server } from "./server";

/** What a code cell shows, as the page's model has it. */
export interface CellState {
  readonly id: string;
  readonly source: string;
  /** The number in brackets; null before the cell ran. */
  readonly count: number | null;
  readonly outputs: readonly CellOutput[];
}

export interface CellOutput {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly text?: string;
  readonly ename?: string;
  readonly evalue?: string;
}

/** The part of JupyterLab's application that these tests use; it stands in the page as `window.jupyterapp`. */
interface JupyterApp {
  readonly serviceManager: { readonly isReady: boolean };
  readonly restored: Promise<void>;
  readonly commands: { execute(command: string, args?: object): Promise<unknown> };
  readonly shell: { readonly currentWidget: NotebookPanel | null };
}

interface NotebookPanel {
  readonly content: {
    activeCellIndex: number;
    mode: string;
    readonly widgets: readonly { readonly node: unknown }[];
    readonly model: { readonly cells: Iterable<CellModel> };
    deselectAll(): void;
  };
  readonly context: { readonly ready: Promise<void>; readonly path: string };
  readonly revealed: Promise<void>;
  readonly sessionContext: {
    readonly ready: Promise<void>;
    readonly session?: {
      readonly kernel?: { readonly status: string; readonly connectionStatus: string } | null;
    } | null;
    shutdown(): Promise<void>;
  };
}

interface CellModel {
  readonly id: string;
  readonly type: string;
  readonly trusted: boolean;
  readonly executionCount: number | null;
  readonly sharedModel: { getSource(): string };
  readonly outputs: { toJSON(): CellOutput[] };
}

/** In the page only. */
declare const jupyterapp: JupyterApp;
declare function getComputedStyle(node: unknown): Record<string, string>;

const places = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser's program, or undefined where this machine has none. CHROMIUM names another. */
export const chromiumPath = places.find((path) => path && existsSync(path));

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
  });
}

const PATIENCE = 60_000;

/** One JupyterLab page with one notebook at a time. */
export class LabPage {
  readonly page: Page;
  /** Errors of the page's console, uncaught ones, and answers of 400 and more: what a user sees with F12. */
  readonly faults: string[] = [];
  readonly #server: Server;
  readonly #workspace: string;

  private constructor(page: Page, server: Server, workspace: string) {
    this.page = page;
    this.#server = server;
    this.#workspace = workspace;
    page.on("console", (message) => {
      if (message.type() === "error") this.faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`uncaught: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 400) this.faults.push(`${response.status()} ${new URL(response.url()).pathname}`);
    });
  }

  /** A workspace of its own, so that no tabs of an earlier visit come back. */
  static async open(browser: Browser, server: Server, width = 1280): Promise<LabPage> {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    const lab = new LabPage(page, server, `test-${process.pid}`);
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${server.base}lab/workspaces/${lab.#workspace}?reset&token=${server.token}`);
    await page.waitForFunction(() => (globalThis as { jupyterapp?: JupyterApp }).jupyterapp?.serviceManager.isReady);
    await page.evaluate(() => jupyterapp.restored);
    return lab;
  }

  /** Opens a notebook of the server's folder and waits for its kernel. */
  async openNotebook(path: string): Promise<void> {
    await this.page.evaluate(async (path) => {
      const panel = (await jupyterapp.commands.execute("docmanager:open", {
        path,
        factory: "Notebook",
      })) as NotebookPanel;
      await panel.context.ready;
      await panel.revealed;
      await panel.sessionContext.ready;
    }, path);
    await this.idle();
  }

  /** Ends the notebook's kernel and closes its tab. */
  async closeNotebook(): Promise<void> {
    await this.page.evaluate(async () => {
      await jupyterapp.shell.currentWidget?.sessionContext.shutdown();
      await jupyterapp.commands.execute("docmanager:save");
      await jupyterapp.commands.execute("application:close");
    });
  }

  command(name: string, args: object = {}): Promise<void> {
    return this.page.evaluate(
      async ({ name, args }) => {
        await jupyterapp.commands.execute(name, args);
      },
      { name, args },
    );
  }

  kernelStatus(): Promise<string> {
    return this.page.evaluate(() => {
      const kernel = jupyterapp.shell.currentWidget?.sessionContext.session?.kernel;
      return kernel ? (kernel.connectionStatus === "connected" ? kernel.status : kernel.connectionStatus) : "none";
    });
  }

  /** Waits for the kernel to say so, as the page shows it. */
  async status(wanted: string): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const kernel = jupyterapp.shell.currentWidget?.sessionContext.session?.kernel;
        return kernel?.connectionStatus === "connected" && kernel.status === wanted;
      },
      wanted,
      { polling: 50 },
    );
  }

  idle(): Promise<void> {
    return this.status("idle");
  }

  /** Run > Run All Cells, awaited until the kernel rests. */
  async runAll(): Promise<CellState[]> {
    await this.command("notebook:run-all-cells");
    await this.idle();
    return this.cells();
  }

  /** Starts cells by their ids as Shift-Enter would; does not wait for them. */
  async startCells(...ids: string[]): Promise<void> {
    for (const id of ids) {
      await this.select(id);
      await this.page.evaluate(() => {
        void jupyterapp.commands.execute("notebook:run-cell");
      });
    }
  }

  /** Runs one cell to its end. */
  async runCell(id: string): Promise<CellState> {
    await this.select(id);
    await this.command("notebook:run-cell");
    await this.idle();
    return this.cell(id);
  }

  async select(id: string): Promise<void> {
    await this.page.evaluate((id) => {
      const { content } = jupyterapp.shell.currentWidget!;
      content.activeCellIndex = [...content.model.cells].findIndex((cell) => cell.id === id);
      content.deselectAll();
    }, id);
  }

  async cells(): Promise<CellState[]> {
    return this.page.evaluate(() =>
      [...jupyterapp.shell.currentWidget!.content.model.cells]
        .filter((cell) => cell.type === "code")
        .map((cell) => ({
          id: cell.id,
          source: cell.sharedModel.getSource(),
          count: cell.executionCount,
          outputs: cell.outputs.toJSON(),
        })),
    );
  }

  async cell(id: string): Promise<CellState> {
    return (await this.cells()).find((cell) => cell.id === id)!;
  }

  /** Waits until a cell's own text (what it printed and its value's plain text) fits. */
  async shows(id: string, pattern: RegExp): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const text = textOf(await this.cell(id));
      if (pattern.test(text)) return;
      if (Date.now() > deadline) throw new Error(`cell ${id} never showed ${pattern}; it shows:\n${text}`);
      await this.page.waitForTimeout(50);
    }
  }

  /** The cell's place on the page, counted over all cells. */
  async at(id: string) {
    await this.select(id);
    return this.page.locator(".jp-Notebook:visible .jp-Cell.jp-mod-active");
  }

  async close(): Promise<void> {
    await this.page.context().close();
    await fetch(`${this.#server.base}lab/api/workspaces/${this.#workspace}`, {
      method: "DELETE",
      headers: { Authorization: `token ${this.#server.token}` },
    });
  }
}

/** What a cell printed and its values' plain text. */
export const textOf = (cell: CellState): string =>
  cell.outputs
    .map((output) => output.text ?? output.data?.["text/plain"] ?? `${output.ename ?? ""}: ${output.evalue ?? ""}`)
    .join("\n");

/** How the page really draws it: "rgb(255, 255, 255)". */
export const styleOf = (place: Locator, property: string): Promise<string> =>
  place.evaluate((node, property) => getComputedStyle(node)[property] ?? "", property);
