/**
 * Whether a client takes this media type. Parameters other than `q` are not compared: `application/json;v=2` takes JSON,
 * and so does whoever takes problems, which are all a JSON client may ever get to see.
 */
export function accepts(accept: string | undefined, type: string): boolean {
  if (!accept) return true;
  const [family] = type.split('/');
  const names = ['*/*', `${family}/*`, type, ...(type === 'application/json' ? ['application/problem+json'] : [])];
  const ranges = accept.split(',').map((range) => range.trim().toLowerCase());
  // The most exact range decides: `application/json;q=0, */*` takes no JSON.
  const quality = new Map(
    ranges.map((range) => [range.split(';')[0]!.trim(), !/;\s*q\s*=\s*0(\.0*)?\s*(;|$)/.test(range)]),
  );
  const decisive = names.filter((name) => quality.has(name));
  if (decisive.length === 0) return false;
  const exact = decisive.filter((name) => !name.endsWith('*'));
  if (exact.length > 0) return exact.some((name) => quality.get(name));
  return quality.get(decisive.at(-1)!)!;
}
