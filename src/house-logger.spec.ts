import { HouseLogger } from './house-logger.js';

/** What a logger writes where there is no terminal. */
function written(say: (logger: HouseLogger) => void): string[] {
  const { isTTY } = process.stdout;
  process.stdout.isTTY = false;
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

it('leaves out what is below its level, and what the framework says of its own start', () => {
  const lines = written((logger) => {
    logger.debug('noise', 'Mail');
    logger.log('Mapped {/v1/orders, POST} route', 'RouterExplorer');
  });
  expect(lines).toEqual([]);
});
