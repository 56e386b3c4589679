import assert from "node:assert/strict";
import { test } from "node:test";
import { formatNotebook } from "kernel-helpers/dist/notebook/format";
import { findingText, lintNotebook } from "kernel-helpers/dist/notebook/lint";
import { parseNotebook } from "kernel-helpers/dist/notebook/model";
import { beside, check, code, filesOf, md, notebook, tiny } from "./lesson";

/** Errors of the tiny lesson with other cells, as text without the notebook's name. */
function errors(cells: object[], files = beside(), mqtt?: object): string[] {
  return lintNotebook({ slug: "99-tiny", notebook: notebook(cells, mqtt), files: filesOf(files) })
    .filter((one) => one.level === "error")
    .map((one) => findingText(one).replace("99-tiny", ""));
}

const withCell = (cell: object): object[] => {
  const cells: object[] = tiny();
  cells.splice(4, 0, cell);
  return cells;
};

test("a lesson that keeps the rules has no finding but those of its size, and a draft is only warned", () => {
  assert.deepEqual(errors(tiny()), []);
  const whole = errors(tiny(), beside(), { lab: "99-tiny" });
  assert.equal(whole.length, 2);
  assert.match(whole.join("\n"), /words of prose; a lab has 1600 to 2000[\s\S]*code cells; a lab has 25 to 45/);
});

for (const [what, cell, expected] of [
  ["an id that is no slug", code("Not A Slug", ""), /#Not A Slug: id: an id is a slug/],
  ["an id twice", code("show", ""), /#show: id: another cell has this id/],
  ["an unknown tag", code("x", "", { tags: ["fun"] }), /tags: unknown tag "fun"/],
  ["an unknown key", code("x", "", { colour: 1 }), /metadata: unknown key "colour"/],
  ["nineteen lines", code("x", "a;\n".repeat(19)), /length: 19 lines of code; 18 is the most/],
  ["a wide line", code("x", `a;\n"${"b".repeat(119)}"`), /length: its line 2 has 121 characters; 120 is the most/],
  ["outputs", { ...code("x", ""), outputs: [{}] }, /outputs: it has outputs/],
  ["a topic that is none", code("x", "", { mqtt: { proves: ["L99.1"] } }), /proves: "L99.1" is no topic/],
  ["prose that proves", md("x", "", { mqtt: { proves: ["L1.1"] } }), /only a cell that runs proves/],
  [
    "schema 2",
    code("x", "", { nbgrader: { schema_version: 2, grade: false, locked: true, solution: false, grade_id: "x" } }),
    /schema_version is 3/,
  ],
  ["filler", md("x", "You just connect."), /prose: "just" explains nothing/],
  ["shouting", md("x", "It works!"), /an exclamation mark/],
  ["an emoji", md("x", "Done 🎉"), /an emoji/],
  ["a dead anchor", md("x", "[a](#Nowhere)"), /link: #Nowhere: no heading/],
  ["a dead file", md("x", "[a](02-missing.ipynb)"), /link: 02-missing\.ipynb: there is no such file/],
  ["a way out", md("x", "[a](../../etc/passwd)"), /leads out of the course/],
  ["a script link", md("x", "[a](javascript:alert)"), /only https/],
  ["a sleep", code("x", "await new Promise((done) => setTimeout(done, 100));"), /sleep: setTimeout/],
  ["a timer import", code("x", 'import { setTimeout as wait } from "node:timers/promises";'), /sleep: a timer/],
  [
    "a stray check",
    code("x", 'await lab.check("x", {}, async (t) => { t.ok(true, ""); });'),
    /lab\.check outside of a graded cell/,
  ],
  ["a second H1", md("x", "# Another"), /order: a second H1/],
] as const) {
  test(`lint finds ${what}`, () => {
    const strict = errors(withCell(cell), beside(), { lab: "99-tiny" });
    assert.ok(
      strict.some((line) => expected.test(line)),
      strict.join("\n"),
    );
  });
}

test("marks that are no fault: code, images, alphabets, links that lead somewhere", () => {
  const files = {
    ...beside(),
    "02-next.ipynb": formatNotebook(notebook([md("a", "# Next\n\n## Wire evidence")])),
    "material/a.conf": "",
  };
  const prose =
    "`just!` and ![picture](material/a.conf) → ≠ ✓ [next](02-next.ipynb#Wire-evidence) <https://example.org>\n\n```\nsimply!\n```";
  assert.deepEqual(errors(withCell(md("x", prose)), files), []);
  assert.match(errors(withCell(md("x", "[n](02-next.ipynb#Gone)")), files).join(), /that notebook has no such heading/);
});

const inCheck = (body: string) => {
  const cells = tiny();
  cells[5] = check("late-check", `await lab.check("late-check", { broker, conf }, ${body});`) as (typeof cells)[0];
  return errors(cells);
};

test("a check's body uses what it is given, its own names and the language", () => {
  assert.deepEqual(
    inCheck(`async (t, { broker, conf: text }) => {
      const seen: Map<string, Foo> = new Map();
      for (const [i, line] of text.split("\\n").entries()) { const { a = i, ...more } = { a: line, broker }; seen.set(line, more); }
      function help(x: number): number { return x > 1 ? help(x - 1) : Math.max(x, Number.NaN); }
      outer: while (true) { break outer; }
      try { t.equal(JSON.stringify({ help, seen }), \`\${help(2)}\`, "x"); } catch (error) { t.fail("x", "y", error); }
    }`),
    [],
  );
  for (const [body, name] of [
    ["async (t) => { t.equal(packets, 1, 'x'); }", "packets"],
    ["async (t) => { t.equal({ packets }, 1, 'x'); }", "packets"],
    ["async (t) => { const x = () => lab.broker; }", "lab"],
    ["async (t) => { process.exit(0); }", "process"],
    ["async (t) => { globalThis.x = 1; }", "globalThis"],
    ["async (t) => { { const inner = 1; } t.ok(inner, 'x'); }", "inner"],
    ["async (t) => { await import('node:fs'); }", "import"],
    ["async (t) => { require('fs'); }", "require"],
    ["async function (t) { this.x = 1; }", "this"],
    ["async (t, { broker = lab }) => { t.ok(broker, 'x'); }", "lab"],
    ["async (t) => { eval('1'); }", "eval"],
  ] as const) {
    assert.match(inCheck(body).join("\n"), new RegExp(`the body uses "${name}"`), body);
  }
  assert.match(inCheck("async (t, { tap }) => { t.ok(tap, 'x'); }").join(), /takes "tap", which it is not given/);
  assert.match(inCheck("body").join(), /written where it stands/);
});

test("a check's call names its own cell, and gives by name", () => {
  const call = (source: string) => {
    const cells = tiny();
    cells[5] = check("late-check", source) as (typeof cells)[0];
    return errors(cells).join("\n");
  };
  assert.match(
    call('await lab.check("other", {}, async (t) => {});'),
    /the first argument is the cell's id, "late-check"/,
  );
  assert.match(call('await lab.check("late-check", { ...all }, async (t) => {});'), /without a spread/);
  assert.match(call('await lab.check("late-check", all, async (t) => {});'), /an object of what the body is given/);
  assert.match(call("true"), /has one lab\.check/);
});

test("nbgrader's metadata are exact", () => {
  const meta = (change: object) => {
    const cells = tiny();
    const cell = cells[5] as unknown as { metadata: { nbgrader: object } };
    cell.metadata.nbgrader = { ...cell.metadata.nbgrader, ...change };
    return errors(cells).join("\n");
  };
  assert.match(meta({ grade_id: "else" }), /grade_id is the cell's id/);
  assert.match(meta({ locked: false }), /a check is locked/);
  assert.match(meta({ points: undefined }), /a check has points/);
  assert.match(meta({ points: -1 }), /a check has points/);
  assert.match(meta({ hidden: true }), /nbgrader has no key "hidden"/);
  assert.match(meta({ solution: true }), /not both/);
  assert.match(meta({ locked: "yes" }), /nbgrader\.locked is true or false/);
});

test("each exercise has its files", () => {
  const without = (name: string, change?: string) => {
    const files = beside();
    if (change === undefined) delete files[`solutions/99-tiny/${name}`];
    else files[`solutions/99-tiny/${name}`] = change;
    return errors(tiny(), files).join("\n");
  };
  assert.match(without("late/solution.ts"), /there is no solution\.ts/);
  assert.match(without("guess-late/solution.ts"), /guess-late: there is no solution\.ts/);
  assert.match(without("late/other.ts"), /there is no other\.ts/);
  assert.match(without("late/wrong-c.ts"), /2 wrong answers/);
  assert.match(without("late/hints.md", "## one\n"), /hints\.md has 1 steps/);
  assert.match(without("late/wrong-a.ts", "let conf;"), /does not begin with "\/\/ expect: …"/);
  assert.match(without("late/notes.txt", "x"), /notes\.txt is no file that belongs there/);
  assert.match(without("gone/solution.ts", "x"), /gone belongs to no exercise/);
});

test("the order of a lesson's parts", () => {
  const strict = (cells: object[]) => errors(cells, beside(), { lab: "99-tiny" }).join("\n");
  const cells = tiny();
  assert.match(strict([...cells.slice(1)]), /the first cell is the card/);
  assert.match(strict(cells.filter((cell) => cell.id !== "late-check")), /#late: order: no check follows/);
  assert.match(strict(cells.filter((cell) => cell.id !== "key-points")), /"Key points"/);
  assert.match(strict(cells.filter((cell) => cell.id !== "end")), /no cell has the tag "teardown"/);
  assert.match(
    strict([...cells.slice(0, 4), cells[6]!, cells[4]!, cells[5]!, ...cells.slice(7)]),
    /"drill" comes before the first "exercise"/,
  );
});

test("bytes that the formatter would change are found", () => {
  const text = formatNotebook(notebook(tiny()));
  const lint = (bytes: string) =>
    lintNotebook({ slug: "99-tiny", notebook: parseNotebook(bytes), files: filesOf(beside()), text: bytes }).filter(
      (one) => one.rule === "format",
    );
  assert.deepEqual(lint(text), []);
  assert.equal(lint(text.replace(/\n$/, "")).length, 1);
});
