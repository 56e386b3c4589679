import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "kernel-helpers/dist/core/until";
import { type ExecuteResult, KernelClient, type Output } from "kernel-helpers/dist/kernel/client";
import { kernelSpec } from "kernel-helpers/dist/kernel/kernelspec";

export const launcher = require.resolve("kernel-helpers/dist/kernel/launch");

export const argvFor = (node: string): string[] => kernelSpec(node, launcher).argv;

/** All text that a cell wrote to a stream. */
export const streamed = (outputs: readonly Output[], name: "stdout" | "stderr" = "stdout"): string =>
  outputs.map((output) => (output.output_type === "stream" && output.name === name ? output.text : "")).join("");

/** The plain text of a cell's value. */
export function shown(result: ExecuteResult): unknown {
  const value = result.outputs.find((output) => output.output_type === "execute_result");
  return value?.output_type === "execute_result" ? value.data["text/plain"] : undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const plain = (lines: readonly string[] = []): string => lines.join("\n").replace(/\u001b\[\d+m/g, "");

/** A way to what a test needs, or why it isn't there. */
export type Found = { readonly path: string } | { readonly lacking: string };

/** The kernel's tests through our own client, under the Node binary that `find` brings. */
export function kernelSuite(name: string, find: () => Promise<Found>): void {
  describe(`kernel on ${name}`, () => {
    let kernel: KernelClient;
    let folder: string;
    let node = "";
    let lacking = "";

    /** A test that is skipped where that Node can't be had. */
    const check = (what: string, run: () => void | Promise<void>, without = ""): void => {
      void test(what, (t) => (lacking || without ? t.skip(lacking || without) : run()));
    };
    const noSignals = process.platform === "win32" ? "no signals here" : "";

    before(async () => {
      const found = await find();
      if ("lacking" in found) {
        lacking = found.lacking;
        return;
      }
      node = found.path;
      folder = mkdtempSync(join(tmpdir(), "kernel-suite-"));
      kernel = await KernelClient.start({ cwd: folder, argv: argvFor(node) });
    });
    after(async () => {
      await kernel?.shutdown();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    const ok = async (code: string): Promise<ExecuteResult> => {
      const result = await kernel.execute(code, { timeout: 60_000 });
      assert.equal(result.status, "ok", plain(result.error?.traceback));
      return result;
    };
    const fails = async (code: string): Promise<NonNullable<ExecuteResult["error"]> & { text: string }> => {
      const result = await kernel.execute(code, { timeout: 60_000 });
      assert.equal(result.status, "error");
      const outputs = result.outputs.filter((output) => output.output_type === "error");
      assert.equal(outputs.length, 1, "one error output");
      assert.deepEqual(outputs[0], { output_type: "error", ...result.error });
      return { ...result.error!, text: plain(result.error!.traceback) };
    };

    check("kernel_info names TypeScript for highlighting, and its status", () => {
      const info = kernel.info as { status: string; language_info: Record<string, string>; debugger: boolean };
      assert.equal(info.status, "ok");
      assert.equal(info.debugger, false);
      assert.equal(info.language_info.name, "typescript");
      assert.equal(info.language_info.codemirror_mode, "typescript");
      assert.equal(info.language_info.mimetype, "text/typescript");
    });

    check("a promise that nobody awaited prints its state and nothing of the kernel's", async () => {
      assert.equal(shown(await ok("Promise.resolve(7)")), "Promise { 7 }");
      assert.equal(shown(await ok("new Promise<void>(() => {})")), "Promise { <pending> }");
      assert.equal(streamed((await ok("console.log([Promise.resolve('x')]);")).outputs), "[ Promise { 'x' } ]\n");
    });

    check("the last expression's value is an execute_result; undefined and null show nothing", async () => {
      assert.equal(shown(await ok("const six = 6; six * 7")), "42");
      assert.equal(shown(await ok("'text'")), "'text'");
      assert.deepEqual((await ok("undefined")).outputs, []);
      assert.deepEqual((await ok("null")).outputs, []);
      assert.deepEqual((await ok("const unused = 1;")).outputs, []);
      assert.equal(shown(await ok("0")), "0");
    });

    check("a value that shows itself gives its bundle, and text/plain always", async () => {
      const { outputs } = await ok(
        'class Picture { [Symbol.for("Jupyter.display")]() { return { "text/html": "<b>x</b>", "image/png": Buffer.from("x") }; } }\nnew Picture()',
      );
      assert.deepEqual((outputs[0] as { data: unknown }).data, {
        "text/html": "<b>x</b>",
        "image/png": "eA==",
        "text/plain": "Picture {}",
      });
      const error = await fails('({ [Symbol.for("Jupyter.display")]() { throw new Error("no picture"); } })');
      assert.equal(error.evalue, "no picture");
    });

    check("a throw points at the cell's own line and shows no insides", async () => {
      const error = await fails(
        "interface A {\n  b: string;\n}\nconst fail = (a: A): never => {\n  throw new RangeError(a.b);\n};\nfail({ b: 'far' });",
      );
      assert.equal(error.ename, "RangeError");
      assert.equal(error.evalue, "far");
      assert.match(error.text, /cell \[\d+\], line 5:/);
      assert.match(error.text, /> 5 \| {3}throw new RangeError/);
      assert.match(error.text, /at fail \(cell \[\d+\]:5:9\)\n {4}at cell \[\d+\]:7:1\n/);
      assert.match(error.text, /\nRangeError: far$/);
      assert.doesNotMatch(error.text, /tslab|node:|evalmachine|launch|kernel-helpers/);
    });

    check("a rejected await, a value that is no Error, a cause", async () => {
      const rejected = await fails("await null;\nawait Promise.reject(new TypeError('late'));");
      assert.match(rejected.text, /> 2 \| await Promise\.reject/);
      const thrown = await fails("throw { reason: 7 };");
      assert.deepEqual([thrown.ename, thrown.evalue], ["Thrown", "{ reason: 7 }"]);
      const caused = await fails("throw new Error('outer', { cause: new Error('inner') });");
      assert.match(caused.text, /caused by: Error: inner/);
      await fails("throw undefined;");
      await fails("const cyclic = new Error('a'); cyclic.cause = cyclic; throw cyclic;");
      await fails("throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } });");
    });

    check("an error from an earlier cell's function points into that cell", async () => {
      const { executionCount } = await ok("// one\nconst risky = (): number => JSON.parse('{');");
      const error = await fails("risky()");
      assert.match(error.text, new RegExp(`cell \\[${executionCount}\\], line 2:`));
      assert.match(error.text, new RegExp(`at cell \\[${executionCount! + 1}\\]:1:1`));
    });

    check("type errors and syntax errors show the line, every one of them, and nothing runs", async () => {
      const types = await fails("console.log('ran');\nconst a: string = 1;\nawait null;\nconst b: number = 'x';");
      assert.equal(types.ename, "TypeScriptError");
      assert.equal(types.evalue, "2:7 - Type 'number' is not assignable to type 'string'. (TS2322)");
      assert.match(types.text, /> 2 \| const a[\s\S]*> 4 \| const b/);
      assert.match(types.text, /TypeScriptError: 2:7 - [^\n]*$/);
      const syntax = await fails("const x = ;");
      assert.equal(syntax.ename, "SyntaxError");
      assert.match(syntax.text, /> 1 \| const x = ;\n {4}\| {11}\^/);
    });

    check("an error with a code and a hint prints these, the cell's line, and no stack", async () => {
      const error = await fails(
        "const act = () => {\n  throw Object.assign(new Error('no engine answers'), { code: 'NO_ENGINE', hint: 'start Docker' });\n};\nact();",
      );
      assert.match(error.text, /line 2:[\s\S]*\nNO_ENGINE: no engine answers\nTry: start Docker$/);
      assert.doesNotMatch(error.text, / {4}at /);
    });

    check("stack traces that cells print speak of the cells too", async () => {
      const { outputs } = await ok(
        "function where(): string {\n  return new Error('here').stack!;\n}\nconsole.log(where());",
      );
      assert.match(streamed(outputs), /at where \(cell \[\d+\]:2:10\)\n {4}at cell \[\d+\]:4:13\n/);
    });

    check("await in every position, without shifting a line", async () => {
      const cell = [
        "async function* numbers() { yield 1; yield 2; }",
        "let seen = 0;",
        "for await (const n of numbers()) seen += n;",
        "const wrapped = await (Promise.resolve(3));",
        "const list = await [Promise.resolve(4)][0];",
        "const { a, b = await Promise.resolve(6) } = await { a: 5 } as { a: number; b?: number };",
        "const text = `${await Promise.resolve('t')}`;",
        "const negated = !await Promise.resolve(false);",
        "if (await Promise.resolve(true)) seen += await +Promise.resolve(0) ? 0 : 0;",
        "class K { static [await Promise.resolve('key')]() {} }",
        "const object = { [await Promise.resolve('k')]: await /x/ };",
        "label: for (const p of [Promise.resolve(1)]) { await p; break label; }",
        "switch (await Promise.resolve(1)) { case await Promise.resolve(1): seen += 10; }",
        "try { await Promise.reject(new Error('x')); } catch { seen += 100; } finally { await null; }",
        "await",
        "  null;",
        "[seen, wrapped, await list, a, b, text, negated, Object.getOwnPropertyNames(K).includes('key'), Object.keys(object)]",
      ].join("\n");
      const value = String(shown(await ok(cell))).replace(/\s+/g, " ");
      assert.equal(value, "[ 113, 3, 4, 5, 6, 't', true, true, [ 'k' ] ]");
      const error = await fails("for await (const n of [1]) {\n  throw new Error(String(n));\n}");
      assert.match(error.text, /line 2:/);
      assert.equal((await fails("const f = () => { await null; };")).ename, "SyntaxError");
    });

    check(
      "a throw in a callback and an unhandled rejection are shown in red in their cell; the kernel lives on",
      async () => {
        const timer = await ok(
          "setTimeout(() => { throw new Error('in a timer'); }, 1);\nawait new Promise((go) => setTimeout(go, 30));",
        );
        assert.match(
          streamed(timer.outputs, "stderr"),
          /Uncaught error in cell \[\d+\]:\ncell \[\d+\], line 1:[\s\S]*in a timer/,
        );
        assert.deepEqual(timer.lateErrors, [{ ename: "Error", evalue: "in a timer" }]);
        const rejection = await ok("void Promise.reject(new Error('nobody waits'));");
        assert.match(streamed(rejection.outputs, "stderr"), /Unhandled rejection in cell[\s\S]*nobody waits/);
        await ok("process.nextTick(() => { throw null; }); await new Promise((go) => setTimeout(go, 5));");
        assert.equal(shown(await ok("1 + 1")), "2");
      },
    );

    check("an error of an earlier cell is told in the cell that runs, and says where it came from", async () => {
      const first = await ok(
        "let release = () => {};\nvoid new Promise<void>((go) => { release = go; }).then(() => { throw new Error('from before'); });",
      );
      const second = await ok("release(); await new Promise((go) => setTimeout(go, 20));");
      assert.match(
        streamed(second.outputs, "stderr"),
        new RegExp(`Unhandled rejection in cell \\[${first.executionCount}\\]`),
      );
      const third = await ok("setTimeout(() => { throw new Error('afterwards'); }, 50);");
      await until("the late error is told", () => streamed(third.outputs, "stderr").includes("afterwards"));
    });

    check("output of a timer after its cell belongs to that cell", async () => {
      const cell = await ok("setTimeout(() => console.log('afterwards'), 30);");
      await until("the line is there", () => streamed(cell.outputs) === "afterwards\n");
    });

    check("100,000 lines and a megabyte in one line arrive whole and in order", async () => {
      const { outputs } = await ok(
        "for (let i = 0; i < 100_000; i++) console.log(`line ${i}`);\nconsole.log('x'.repeat(1_000_000));",
      );
      const expected = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join("");
      assert.ok(streamed(outputs) === `${expected}${"x".repeat(1_000_000)}\n`);
    });

    check("streams, displays and the result keep their order; split characters are whole", async () => {
      const { outputs } = await ok(
        [
          'import { display } from "tslab";',
          "console.log('a'); console.error('b'); console.log('c');",
          "display.html('<i>d</i>');",
          "const euro = Buffer.from('€'); process.stdout.write(euro.subarray(0, 1)); process.stdout.write(euro.subarray(1));",
          "process.stdout.write('6869', 'hex');",
          "await new Promise<void>((go) => process.stdout.write('!', () => go()));",
          "'last'",
        ].join("\n"),
      );
      const order = outputs.map((output) =>
        output.output_type === "stream"
          ? output.text
          : output.output_type === "error"
            ? output.ename
            : Object.values(output.data)[0],
      );
      assert.deepEqual(order, ["a\n", "b\n", "c\n", "<i>d</i>", "€hi!", "'last'"]);
    });

    /** Sends cells behind one that waits, and lets it go when the kernel has them all. */
    const queue = async (cells: [code: string, stopOnError?: boolean][]): Promise<ExecuteResult[]> => {
      const mark = join(folder, `gate-${Math.random()}`);
      const gate = `while (!require("fs").existsSync(${JSON.stringify(mark)})) await new Promise((go) => setTimeout(go, 5));`;
      const waiting = kernel.execute(gate);
      const all = cells.map(([code, stopOnError]) => kernel.execute(code, { stopOnError }));
      // Of the same channel, sent later: when it is answered the others have arrived.
      await kernel.request("is_complete_request", { code: "1" });
      writeFileSync(mark, "");
      assert.equal((await waiting).status, "ok");
      return await Promise.all(all);
    };

    check("after an error what was queued answers aborted, what comes later runs", async () => {
      const [first, ...queued] = await queue([
        ["throw new Error('stop');"],
        ["globalThis.ran = 1;"],
        ["globalThis.ran = 2;"],
      ]);
      assert.equal(first!.status, "error");
      for (const result of queued) {
        assert.deepEqual([result.status, result.executionCount, result.outputs], ["aborted", null, []]);
      }
      assert.equal(shown(await ok("typeof (globalThis as any).ran")), "'undefined'");
    });

    check("what is sent at the very answer of a cell that failed runs", async () => {
      for (let round = 0; round < 20; round++) {
        assert.equal((await kernel.execute("throw 1")).status, "error");
        assert.equal((await kernel.execute("1")).status, "ok");
      }
    });

    check("after a type error too; not with stop_on_error false", async () => {
      const statuses = (results: ExecuteResult[]): string[] => results.map(({ status }) => status);
      assert.deepEqual(statuses(await queue([["const n: number = 'x';"], ["1"], ["2"]])), [
        "error",
        "aborted",
        "aborted",
      ]);
      assert.deepEqual(statuses(await queue([["throw 1", false], ["3"]])), ["error", "ok"]);
    });

    check("silent cells and cells without history", async () => {
      const before = (await ok("0")).executionCount!;
      const silent = await kernel.execute("globalThis.quiet = 5; 7", { silent: true });
      assert.deepEqual([silent.status, silent.outputs], ["ok", []]);
      await kernel.execute("8", { storeHistory: false });
      const result = await kernel.execute("1", { userExpressions: { sum: "quiet + 1", wrong: "nowhere" } });
      assert.equal(result.executionCount, before + 1);
      const { sum, wrong } = result.userExpressions as Record<
        string,
        { status: string; data?: unknown; ename?: string }
      >;
      assert.deepEqual(sum!.data, { "text/plain": "6" });
      assert.deepEqual([wrong!.status, wrong!.ename], ["error", "ReferenceError"]);
      const { history } = (await kernel.request("history_request", { hist_access_type: "tail", n: 2 })) as {
        history: unknown;
      };
      assert.deepEqual(history, [
        [1, before, "0"],
        [1, before + 1, "1"],
      ]);
    });

    check("completion, inspection, is_complete; cursors count code points", async () => {
      await ok("const boilerTemperature = 71.5;");
      const code = "/* 😀 */ boilerTem";
      const completed = await kernel.request("complete_request", { code, cursor_pos: [...code].length });
      assert.deepEqual(
        [completed.matches, completed.cursor_start, completed.cursor_end],
        [["boilerTemperature"], 8, 17],
      );
      const inspected = await kernel.request("inspect_request", {
        code: "boilerTemperature",
        cursor_pos: 17,
        detail_level: 0,
      });
      assert.deepEqual([inspected.found, inspected.data], [true, { "text/plain": "const boilerTemperature: 71.5" }]);
      const nothing = await kernel.request("inspect_request", { code: "   ", cursor_pos: 1, detail_level: 0 });
      assert.deepEqual([nothing.found, nothing.data], [false, {}]);
      const status = async (text: string): Promise<unknown> =>
        (await kernel.request("is_complete_request", { code: text })).status;
      assert.deepEqual(
        await Promise.all(["1", "", "f(", "`a", "/* a", "if (1) {", "a b", "const x = 1 +"].map(status)),
        ["complete", "complete", "incomplete", "incomplete", "incomplete", "incomplete", "invalid", "incomplete"],
      );
    });

    check("comm, connect and debug requests have their answers, also while a cell runs", async () => {
      const running = kernel.execute("await new Promise((go) => setTimeout(go, 100)); 'done'");
      assert.deepEqual(await kernel.request("comm_info_request"), { status: "ok", comms: {} });
      assert.equal(typeof (await kernel.request("connect_request")).shell_port, "number");
      assert.equal((await kernel.request("debug_request", { seq: 3, command: "x" }, "control")).request_seq, 3);
      assert.equal((await kernel.request("kernel_info_request", {}, "control")).status, "ok");
      assert.equal(shown(await running), "'done'");
    });

    check("a request answered while a cell awaits leaves the kernel busy", async () => {
      const states: unknown[] = [];
      const running = kernel.execute("await new Promise((go) => setTimeout(go, 100));", {
        onMessage: (type, content) => type === "status" && states.push(content.execution_state),
      });
      await kernel.request("complete_request", { code: "Math.", cursor_pos: 5 });
      await running;
      assert.deepEqual(states, ["busy", "busy", "idle"]);
    });

    check("an interrupt ends an await, a busy loop, one after an await, one in a callback; state is kept", async () => {
      const mark = join(folder, "begun");
      await ok(
        `import { readFile, writeFileSync } from "fs";\nlet kept = 1;\nconst begin = () => writeFileSync(${JSON.stringify(mark)}, "");`,
      );
      const endless = [
        "begin(); await new Promise(() => {});",
        "begin(); for (;;);",
        "await null; begin(); for (;;);",
        "for (let i = 0; ; i++) { await null; if (i === 9) begin(); }",
        "setTimeout(() => { begin(); for (;;); }, 0); await new Promise(() => {});",
        "process.nextTick(() => { begin(); for (;;); }); await new Promise(() => {});",
        "readFile('/', () => { begin(); for (;;); }); await new Promise(() => {});",
        "import { AsyncLocalStorage } from 'async_hooks'; new AsyncLocalStorage().run(1, () => setTimeout(() => { begin(); for (;;); }, 0)); await new Promise(() => {});",
        "begin(); try { for (;;); } finally { begin(); }",
        '({ [Symbol.for("Jupyter.display")]() { begin(); for (;;); } })',
        "begin(); for (;;) console.log('flood');",
        "const deep = (n: number): number => (n > 0 ? deep(n - 1) : 0); begin(); for (;;) try { deep(1e6); } catch {}",
        "begin(); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
      ];
      for (const [index, code] of endless.entries()) {
        const running = kernel.execute(code, { timeout: 30_000 });
        await until("the cell is in its loop", () => existsSync(mark), { timeout: 30_000 });
        rmSync(mark);
        await kernel.interrupt();
        const { error, timedOut } = await running;
        assert.deepEqual([timedOut, error?.ename, error?.evalue], [false, "KeyboardInterrupt", "Interrupted"], code);
        assert.equal(shown(await ok("await new Promise((go) => setTimeout(go, 1)); kept++")), String(index + 1));
      }
    });

    check("an interrupt of an idle kernel changes nothing; an interrupt aborts what is queued", async () => {
      await kernel.interrupt();
      assert.equal(shown(await ok("5")), "5");
      let started = (): void => {};
      const running = new Promise<void>((resolve) => {
        started = resolve;
      });
      const all = [
        kernel.execute("await new Promise(() => {});", { onMessage: (type) => type === "execute_input" && started() }),
        kernel.execute("6"),
      ];
      await running;
      await kernel.interrupt();
      assert.deepEqual(
        (await Promise.all(all)).map(({ status }) => status),
        ["error", "aborted"],
      );
      assert.equal(shown(await ok("7")), "7");
    });

    check("process.exit in a cell fails the cell, not the kernel", async () => {
      const error = await fails("process.exit(0);");
      assert.equal(error.ename, "PROCESS_EXIT");
      assert.equal(shown(await ok("kept > 0")), "true");
    });

    check("reading stdin ends at once: nobody can type", async () => {
      assert.equal(
        shown(await ok("let typed = ''; for await (const part of process.stdin) typed += part; typed")),
        "''",
      );
    });

    check("imports: the course's packages from anywhere, files beside the notebook as they are now", async () => {
      const value = await ok(
        "import { LabError } from 'kernel-helpers/dist/core/errors';\nimport { connect } from 'mqtt';\nimport * as os from 'node:os';\n[typeof LabError, typeof connect, typeof os.tmpdir]",
      );
      assert.equal(shown(value), "[ 'function', 'function', 'function' ]");
      assert.equal((await fails("import { answer } from './local';")).ename, "TypeScriptError");
      writeFileSync(join(folder, "local.ts"), "export const answer: number = 1;\n");
      assert.equal(shown(await ok("import { answer } from './local';\nanswer")), "1");
      writeFileSync(
        join(folder, "local.ts"),
        "export const answer = (): number => {\n  throw new Error('in the file');\n};\n",
      );
      const error = await fails("import { answer } from './local';\nanswer()");
      assert.match(error.text, /local\.ts, line 2:[\s\S]*throw new Error/);
      assert.equal((await fails("import 'no-such-package';\nconst x = 1;")).ename.length > 0, true);
    });

    check("displays of the helpers: update by id in an earlier cell, clear, current cell", async () => {
      const first = await ok(
        "import { publishDisplay, clearOutput, currentCell } from 'kernel-helpers/dist/kernel/display';\npublishDisplay({ 'text/plain': 'one', 'text/html': '<p>one</p>' }, { id: 'd1' });",
      );
      await ok("publishDisplay({ 'text/plain': 'two' }, { id: 'd1', update: true });");
      assert.deepEqual(first.outputs, [{ output_type: "display_data", data: { "text/plain": "two" }, metadata: {} }]);
      const cleared = await ok("console.log('gone'); clearOutput(); console.log('stays');");
      assert.equal(streamed(cleared.outputs), "stays\n");
      const waiting = await ok("console.log('gone'); clearOutput(true); await null; console.log('stays');");
      assert.equal(streamed(waiting.outputs), "stays\n");
      const cell = await ok("await new Promise((go) => setTimeout(() => go(currentCell()?.executionCount), 5))");
      assert.equal(shown(cell), String(cell.executionCount));
      assert.match(
        (await fails("const circle: any = {}; circle.self = circle; publishDisplay({ x: circle });")).evalue,
        /circular/i,
      );
    });

    check("console.log of a huge object is cut, an inspector that throws is an error", async () => {
      const { outputs } = await ok(
        "console.log(Array.from({ length: 1e5 }, (_, i) => ({ i, text: 'x'.repeat(10) })));",
      );
      assert.ok(streamed(outputs).length < 20_000);
      await fails("({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('no'); } })");
      assert.equal(shown(await ok("8")), "8");
    });

    check("restart gives a fresh kernel, shutdown leaves nothing and runs the cleanup", async () => {
      const mark = join(folder, "cleaned-up");
      const hook = `import { onKernelExit } from 'kernel-helpers/dist/kernel/display';\nimport { writeFileSync } from 'fs';\nonKernelExit(async () => { await null; writeFileSync(${JSON.stringify(mark)}, 'yes'); });`;
      const other = await KernelClient.start({ cwd: folder, argv: argvFor(node) });
      const pid = other.pid!;
      await other.execute(`${hook}\nlet state = 1; setInterval(() => {}, 1000);`);
      await other.restart();
      assert.notEqual(other.pid, pid);
      assert.equal(readFileSync(mark, "utf8"), "yes");
      assert.equal(isAlive(pid), false);
      const gone = await other.execute("state");
      assert.equal(gone.error?.ename, "TypeScriptError");
      rmSync(mark);
      // Also out of a busy loop, which has to be freed before it can clean up.
      await other.execute(hook);
      const begun = join(folder, "busy");
      const busy = other
        .execute(`await null; writeFileSync(${JSON.stringify(begun)}, ''); for (;;);`)
        .catch((error: Error) => error);
      await until("the cell is in its loop", () => existsSync(begun));
      const second = other.pid!;
      await other.shutdown();
      await other.shutdown();
      await busy;
      assert.equal(isAlive(second), false);
      assert.equal(readFileSync(mark, "utf8"), "yes");
      await assert.rejects(other.execute("1"), { name: "LabError" });
    });

    check(
      "SIGTERM runs the cleanup; a kernel that dies is told with its last words",
      async () => {
        const mark = join(folder, "terminated");
        const other = await KernelClient.start({ cwd: folder, argv: argvFor(node) });
        await other.execute(
          `globalThis[Symbol.for("mqtt-notebooks.kernel")].onExit(() => require('fs').writeFileSync(${JSON.stringify(mark)}, ''));`,
        );
        process.kill(other.pid!, "SIGTERM");
        await other.ended;
        assert.ok(existsSync(mark));
        const third = await KernelClient.start({ cwd: folder, argv: argvFor(node) });
        await assert.rejects(third.execute("process.kill(process.pid, 'SIGKILL')"), /SIGKILL/);
      },
      noSignals,
    );
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
