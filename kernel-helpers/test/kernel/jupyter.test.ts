import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { jupyterBin, program, type Ran, workshop } from "./support";

/** How each of Jupyter's programs runs a notebook, in the folder where it lies. */
const RUNNERS: Record<string, (bin: string, name: string) => [string, string[]]> = {
  nbclient: (bin, name) => [
    join(bin, "python"),
    ["-c", `import nbformat, nbclient; nbclient.NotebookClient(nbformat.read("${name}", 4), timeout=60).execute()`],
  ],
  "jupyter execute": (bin, name) => [join(bin, "jupyter"), ["execute", name]],
  nbconvert: (bin, name) => [
    join(bin, "jupyter"),
    ["nbconvert", "--to", "notebook", "--execute", name, "--output", `converted-${name}`],
  ],
  papermill: (bin, name) => [join(bin, "papermill"), [name, `papermill-${name}`]],
  nbmake: (bin, name) => [join(bin, "python"), ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbmake", name]],
  nbval: (bin, name) => [join(bin, "python"), ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", name]],
};

/** Not papermill, which doesn't know the tag raises-exception; the others but nbval build on nbclient. */
const KNOW_THE_TAG = ["nbclient", "nbval"];

describe("Jupyter's own programs", () => {
  let bin = "";
  let lacking = "";
  let shop: ReturnType<typeof workshop>;

  before(async () => {
    const found = await jupyterBin();
    if ("lacking" in found) lacking = found.lacking;
    else bin = found.path;
    shop = workshop();
  });
  after(() => shop?.remove());

  const runner = (name: string, notebook: string): Promise<Ran> => {
    const [file, args] = RUNNERS[name]!(bin, notebook);
    return program(file, args, { cwd: shop.folder, env: { ...shop.env, PATH: `${bin}:${process.env.PATH}` } });
  };

  test("jupyter_kernel_test passes", async (t) => {
    if (lacking) return t.skip(lacking);
    const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tslab_kernel.py"];
    const { code, output } = await program(join(bin, "python"), args, { cwd: shop.folder, env: shop.env });
    assert.equal(code, 0, output);
    const [, passed, skipped] = /(\d+) passed, (\d+) skipped/.exec(output) ?? [];
    // The one that is left out is for pagers, which notebooks don't have.
    assert.ok(Number(passed) >= 12 && Number(skipped) <= 1, output);
  });

  for (const name of Object.keys(RUNNERS)) {
    test(`${name}: a good notebook passes, a bad one fails`, async (t) => {
      if (lacking) return t.skip(lacking);
      const good = await runner(name, "good.ipynb");
      assert.equal(good.code, 0, good.output);
      const bad = await runner(name, "bad.ipynb");
      assert.notEqual(bad.code, 0, bad.output);
      assert.match(bad.output, /too few values/);
    });
  }

  for (const name of KNOW_THE_TAG) {
    test(`${name}: a cell that is meant to fail may`, async (t) => {
      if (lacking) return t.skip(lacking);
      const { code, output } = await runner(name, "meant-to-fail.ipynb");
      assert.equal(code, 0, output);
    });
  }

  test("a type error fails a notebook too", async (t) => {
    if (lacking) return t.skip(lacking);
    const { code, output } = await runner("nbclient", "bad-type.ipynb");
    assert.notEqual(code, 0, output);
    assert.match(output, /not assignable to type 'number'/);
  });

  test("an executed copy holds real outputs", async (t) => {
    if (lacking) return t.skip(lacking);
    const copy = join(shop.folder, "converted-good.ipynb");
    if (!existsSync(copy)) await runner("nbconvert", "good.ipynb");
    const { cells } = JSON.parse(readFileSync(copy, "utf8")) as {
      cells: { outputs: { output_type: string }[]; execution_count: number }[];
    };
    assert.deepEqual(
      cells.map(({ outputs, execution_count }) => [execution_count, ...outputs.map(({ output_type }) => output_type)]),
      [
        [1, "stream"],
        [2, "execute_result"],
        [3, "execute_result"],
        [4, "execute_result"],
      ],
    );
  });
});
