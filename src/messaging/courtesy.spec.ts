import { Courtesy } from './courtesy.js';

const atOnce = async (courtesy: Courtesy): Promise<boolean> => {
  let shown = false;
  void courtesy.show().then(() => (shown = true));
  await new Promise((resolve) => setImmediate(resolve));
  return shown;
};

const crowded = (): Courtesy => {
  const courtesy = new Courtesy();
  for (let n = 0; n < 8; n++) courtesy.came();
  return courtesy;
};

it('holds nobody up while few commands wait', async () => {
  const courtesy = new Courtesy();
  for (let n = 0; n < 7; n++) courtesy.came();
  expect(await atOnce(courtesy)).toBe(true);
});

it('lets a crowd go first, but not for ever: what waits in queues still has its turn', async () => {
  const courtesy = crowded();
  expect(await atOnce(courtesy)).toBe(false);
  await expect(courtesy.show()).resolves.toBeUndefined();
});

it('is over once the crowd is answered', async () => {
  const courtesy = crowded();
  courtesy.answered(1);
  expect(await atOnce(courtesy)).toBe(true);
});
