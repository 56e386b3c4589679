/** The pure parts of links: which networks, and what a cable does with what waits. */
import assert from "node:assert/strict";
import test from "node:test";
import { Cable } from "kernel-helpers/dist/brokers/cable";
import { Cuts } from "kernel-helpers/dist/brokers/cuts";
import { groupsOf } from "kernel-helpers/dist/brokers/docker/groups";
import { Errno } from "kernel-helpers/dist/brokers/embedded/core/files";
import type { Connection, ConnectionEvents } from "kernel-helpers/dist/brokers/embedded/core/network";

const groups = (members: string[], ...cuts: [string, string][]) => {
  const list = new Cuts();
  for (const [a, b] of cuts) list.add(a, b);
  return groupsOf(members, list.pairs, (a, b) => !list.has(a, b));
};

test("links: networks for what may talk", () => {
  assert.deepEqual(groups(["a", "b", "c"]), [["a", "b", "c"]]);
  assert.deepEqual(groups(["a", "b"], ["a", "b"]), [["b"]]);
  assert.deepEqual(groups(["a", "b", "c"], ["a", "b"]), [
    ["b", "c"],
    ["a", "c"],
  ]);
  // A partition: a alone, and what is cut twice needs no network.
  assert.deepEqual(groups(["a", "b", "c"], ["a", "b"], ["c", "a"]), [["b", "c"]]);
  const every = groups(["a", "b", "c", "d"], ["a", "b"], ["c", "d"]);
  const talk = (x: string, y: string) => every.some((group) => group.includes(x) && group.includes(y));
  for (const [x, y, may] of [
    ["a", "b", false],
    ["c", "d", false],
    ["a", "c", true],
    ["a", "d", true],
    ["b", "c", true],
    ["b", "d", true],
  ] as const)
    assert.equal(talk(x, y), may, `${x} ${y}`);
});

/** A connection that keeps what is written to it. */
class Far implements Connection {
  written: string[] = [];
  state = "open";
  events: ConnectionEvents | undefined;
  listen(events: ConnectionEvents): void {
    this.events = events;
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(new TextDecoder().decode(bytes));
    return true;
  }
  finish(): void {
    this.state = "finished";
  }
  end(): void {
    this.state = "ended";
  }
  destroy(): void {
    this.state = "destroyed";
  }
  pause(): void {
    this.state = "paused";
  }
  resume(): void {
    this.state = "open";
  }
}

function strand(cable = new Cable()) {
  const far = new Far();
  let made = 0;
  const heard: string[] = [];
  const near = cable.connect(() => {
    made++;
    return far;
  });
  near.listen({
    open: () => heard.push("open"),
    data: (bytes) => heard.push(new TextDecoder().decode(bytes)),
    drain: () => heard.push("drain"),
    end: () => heard.push("end"),
    error: (errno) => heard.push(`error ${errno}`),
  });
  return { cable, far, near, heard, made: () => made };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("links: what waits in a cut cable arrives in order when it is mended", () => {
  const { cable, far, near, heard } = strand();
  near.write(bytes("1"));
  cable.isCut = true;
  near.write(bytes("2"));
  far.events!.data(bytes("a"));
  near.finish();
  assert.deepEqual([far.written, heard, far.state], [["1"], [], "open"]);
  cable.isCut = false;
  assert.deepEqual([far.written, heard], [["1", "2"], ["a"]]);
});

test("links: who connects while it is cut hangs, and is connected afterwards", () => {
  const cable = new Cable();
  cable.isCut = true;
  const { near, far, heard, made } = strand(cable);
  near.write(bytes("hello"));
  assert.equal(made(), 0);
  cable.isCut = false;
  assert.equal(made(), 1);
  far.events!.open!();
  assert.deepEqual([far.written, heard], [["hello"], ["open"]]);
});

test("links: of an end that goes meanwhile the other hears a reset, later", () => {
  const one = strand();
  one.cable.isCut = true;
  one.near.write(bytes("lost"));
  one.near.end();
  assert.equal(one.far.state, "open", "the far end hears nothing yet");
  one.cable.isCut = false;
  assert.deepEqual([one.far.state, one.far.written, one.heard], ["destroyed", [], []]);
  const other = strand();
  other.cable.isCut = true;
  other.far.events!.end();
  assert.deepEqual(other.heard, []);
  other.cable.isCut = false;
  assert.deepEqual(other.heard, [`error ${Errno.connreset}`]);
});

test("links: a sender is made to wait when much waits, and goes on afterwards", () => {
  const { cable, near, far, heard } = strand();
  cable.isCut = true;
  assert.equal(near.write(new Uint8Array(1 << 20)), false);
  far.events!.data(new Uint8Array(1 << 20));
  assert.equal(far.state, "paused");
  cable.isCut = false;
  assert.equal(far.state, "open");
  assert.ok(heard.includes("drain"));
});
