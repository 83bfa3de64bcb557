import { Courtesy } from '../messaging/courtesy.js';
import type { Answer, Asked, UseCase } from './asked.js';
import type { Execution } from './execution.js';
import { Gatherer } from './gatherer.js';

const useCase = {} as UseCase<object, string>;
const asked = (kind: 'command' | 'query'): Asked<object> => ({ operation: { kind } }) as unknown as Asked<object>;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An execution that answers when it is told to, and remembers its sets. */
class Slow {
  readonly sets: number[] = [];
  private readonly go: (() => void)[] = [];

  run = async (_useCase: unknown, set: unknown[]): Promise<Answer<string>[]> => {
    this.sets.push(set.length);
    await new Promise<void>((resolve) => this.go.push(resolve));
    return set.map(() => ({ outcome: 'done', replayed: false }));
  };
  ask = this.run;

  /** Answers the set in hand; the next one has begun then. */
  async answer(): Promise<void> {
    this.go.shift()!();
    await turn();
  }
}

const gathering = (kind: 'command' | 'query', calls: number) => {
  const slow = new Slow();
  const courtesy = new Courtesy();
  const gatherer = new Gatherer(slow as unknown as Execution, { courtesy });
  const answers = Array.from({ length: calls }, () => gatherer.gather(useCase, asked(kind)));
  const held = async (): Promise<boolean> => {
    let shown = false;
    void courtesy.show().then(() => (shown = true));
    await turn();
    return !shown;
  };
  return { slow, gatherer, answers, held };
};

it('calls that arrive while a set is in flight form the next one', async () => {
  const { slow, gatherer, answers } = gathering('command', 3);
  await turn();
  answers.push(...[1, 2].map(() => gatherer.gather(useCase, asked('command'))));
  await slow.answer();
  await slow.answer();
  expect(await Promise.all(answers)).toHaveLength(5);
  expect(slow.sets).toEqual([3, 2]);
});

it('commands that wait make the background show courtesy, until they are answered', async () => {
  const { slow, answers, held } = gathering('command', 20);
  await turn();
  expect(await held()).toBe(true);
  await slow.answer();
  await Promise.all(answers);
  expect(await held()).toBe(false);
});

it('queries hold nothing up: what they read is not waiting to be stored', async () => {
  const { slow, answers, held } = gathering('query', 20);
  await turn();
  expect(await held()).toBe(false);
  await slow.answer();
  await Promise.all(answers);
});
