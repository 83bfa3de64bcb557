import { HouseLogger } from './house-logger.js';

/** What a logger writes where there is a terminal, or none. */
function written(say: (logger: HouseLogger) => void, terminal = false): string[] {
  const { isTTY } = process.stdout;
  process.stdout.isTTY = terminal;
  const lines: string[] = [];
  const take = (text: unknown): boolean => lines.push(String(text)) > 0;
  const streams = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(take),
  );
  try {
    say(new HouseLogger('info'));
  } finally {
    for (const stream of streams) stream.mockRestore();
    process.stdout.isTTY = isTTY;
  }
  return lines;
}

it('writes one JSON object a line, with the time as ISO 8601, whatever stands in the message', () => {
  const lines = written((logger) => {
    logger.log('two\nlines "quoted"', 'Relay');
    logger.warn('careful', 'Refused');
    logger.error('broken', 'Error: broken\n    at here', 'Orders');
  });
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter((line) => line.trimEnd().includes('\n'))).toEqual([]);
  expect(said).toMatchObject([
    { level: 'info', context: 'Relay', message: 'two\nlines "quoted"' },
    { level: 'warn', context: 'Refused', message: 'careful' },
    { level: 'error', context: 'Orders', message: 'broken', stack: expect.stringContaining('at here') as string },
  ]);
  for (const { time } of said) expect(new Date(time as string).toISOString()).toBe(time);
});

it('has what a line is about as fields of its own, which cannot take the place of the others', () => {
  const about = { trace: 'a'.repeat(32), messageId: 'msg_1', key: 'ord_1', level: 'debug', message: 'x' };
  const lines = written((logger) => {
    logger.error('parked beta.note of ord_1', about, 'Lanes');
    logger.error('broken', 'Error: broken\n    at here', { key: 'ord_2' }, 'Effects');
    logger.warn('nobody: orders.place', { requestId: 'r-1' }, 'Refused');
  });
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { ...about, level: 'error', message: 'parked beta.note of ord_1', context: 'Lanes' },
    { message: 'broken', stack: expect.stringContaining('at here') as string, key: 'ord_2', context: 'Effects' },
    { message: 'nobody: orders.place', requestId: 'r-1', context: 'Refused' },
  ]);
});

it('says on a terminal what a line is about behind it', () => {
  const [line] = written((logger) => logger.error('parked beta.note', { key: 'ord_1' }, 'Lanes'), true);
  expect(line!.replace(/\x1b\[\d+m/g, '')).toContain("[Lanes] parked beta.note { key: 'ord_1' }");
});

it('leaves out what is below its level, and what the framework says of its own start', () => {
  const lines = written((logger) => {
    logger.debug('noise', 'Mail');
    logger.log('Mapped {/v1/orders, POST} route', 'RouterExplorer');
  });
  expect(lines).toEqual([]);
});
