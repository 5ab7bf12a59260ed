import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { responseCodes } from "#formats/dns/message.ts";
import { askUpstreams, type Exchange, SilentServers } from "./ask-upstreams.ts";
import type { Question, Reply } from "./exchange.ts";
import type { Upstream } from "./names.ts";

const question: Question = { bytes: Buffer.alloc(12), end: 12, protocol: "udp" };
const upstreams: readonly Upstream[] = ["10.0.0.1", "10.0.0.2"].map((address) => ({
  address,
  fromHost: true,
}));
const never = new AbortController().signal;
const reply = (who: string, code: number, answers = 0): Reply => ({ bytes: Buffer.from(who), code, answers });
const { noError, nameError, refused } = responseCodes;

/** Servers that answer when they are told to. */
class Servers {
  readonly asked: string[] = [];
  readonly silent = new SilentServers();
  readonly #answers = new Map<string, (answer: Reply | Error) => void>();

  readonly exchange: Exchange = ({ address }) => {
    this.asked.push(address);
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#answers.set(address, (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    return promise;
  };

  async answer(address: string, answer: Reply | Error): Promise<void> {
    this.#answers.get(address)?.(answer);
    await settled();
  }

  /** What is said in the end; undefined until then. */
  ask(signal = never): { said: string | undefined; done: boolean } {
    const result: { said: string | undefined; done: boolean } = { said: undefined, done: false };
    void askUpstreams(this, upstreams, question, signal).then((found) => {
      result.said = found === undefined ? "nobody" : Buffer.from(found.bytes).toString();
      result.done = true;
    });
    return result;
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await settled();
}

test("asking upstream servers", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());

  await t.test("the first one answers, and nobody else hears of it", async () => {
    const servers = new Servers();
    const result = servers.ask();
    await servers.answer("10.0.0.1", reply("first", noError, 1));
    assert.equal(result.said, "first");
    assert.deepEqual(servers.asked, ["10.0.0.1"]);
  });

  await t.test(
    "the next one is asked at once after a failure, and after a moment without an answer",
    async () => {
      const failed = new Servers();
      const one = failed.ask();
      await failed.answer("10.0.0.1", new Error("unreachable"));
      await failed.answer("10.0.0.2", reply("second", nameError));
      assert.equal(one.said, "second");

      const slow = new Servers();
      const two = slow.ask();
      await pass(100);
      await slow.answer("10.0.0.2", reply("second", noError, 1));
      assert.equal(two.said, "second");
    },
  );

  await t.test("a server's refusal is not the name's end", async () => {
    const servers = new Servers();
    const result = servers.ask();
    await servers.answer("10.0.0.1", reply("first", refused));
    assert.deepEqual(servers.asked, ["10.0.0.1", "10.0.0.2"]);
    await servers.answer("10.0.0.2", reply("second", refused));
    assert.equal(result.said, "nobody");
  });

  await t.test("the first one is believed, even if another denies the name before it speaks", async () => {
    const servers = new Servers();
    const result = servers.ask();
    await pass(100);
    await servers.answer("10.0.0.2", reply("second", nameError));
    assert.equal(result.done, false);
    await servers.answer("10.0.0.1", reply("first", noError, 1));
    assert.equal(result.said, "first");
  });

  await t.test("a silent first one costs a second once, and after that nothing", async () => {
    const servers = new Servers();
    const result = servers.ask();
    await pass(100);
    await servers.answer("10.0.0.2", reply("second", nameError));
    await pass(900);
    assert.equal(result.said, "second");

    const next = servers.ask();
    assert.deepEqual(servers.asked.slice(-2), ["10.0.0.1", "10.0.0.2"]);
    await servers.answer("10.0.0.2", reply("second", nameError));
    assert.equal(next.said, "second");
  });

  await t.test("one that is heard again is believed again", async () => {
    const servers = new Servers();
    for (const server of upstreams.slice(0, 1)) servers.silent.add(server);
    servers.ask();
    await servers.answer("10.0.0.1", reply("first", noError, 1));
    assert.equal(servers.silent.has({ address: "10.0.0.1", fromHost: true }), false);
  });

  await t.test("nobody answers: that ends with the signal", async () => {
    const servers = new Servers();
    const stop = new AbortController();
    const result = servers.ask(stop.signal);
    await pass(3000);
    assert.equal(result.done, false);
    stop.abort();
    await settled();
    assert.equal(result.said, "nobody");
  });
});
