/** `oid` of the type text. */
const TEXT = 25;
const HEADER = 20;
const NULL = -1;

type Texts = readonly (string | null)[];

/** Which values of a statement, counted from 0, are declared as `text[]`. */
export const textArraysIn = (statement: string): readonly number[] => [
  ...new Set([...statement.matchAll(/\$(\d+)::text\[\]/g)].map(([, place]) => Number(place) - 1)),
];

/**
 * The same values with arrays of texts in PostgreSQL's binary form (`array_send`; binary is what `pg` makes of a Buffer). As
 * text each body is quoted here, which was 3 % of a process under load, and parsed again there. What holds anything else
 * is left as it is.
 */
export function withTextArrays(places: readonly number[], values: unknown[]): unknown[] {
  if (places.length === 0) return values;
  const encoded = [...values];
  for (const place of places) {
    const value = values[place];
    if (isTexts(value)) encoded[place] = textArray(value);
  }
  return encoded;
}

const isTexts = (value: unknown): value is Texts =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' || one === null);

function textArray(texts: Texts): Buffer {
  if (texts.length === 0) return EMPTY;
  const lengths = texts.map((text) => (text === null ? NULL : Buffer.byteLength(text)));
  const bytes = lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), HEADER);
  const array = Buffer.allocUnsafe(bytes);
  let at = header(array, texts.length, lengths.includes(NULL));
  texts.forEach((text, i) => {
    at = array.writeInt32BE(lengths[i]!, at);
    if (text !== null) at += array.write(text, at);
  });
  return array;
}

/** One dimension that begins at 1. */
function header(array: Buffer, length: number, hasNulls: boolean): number {
  [1, Number(hasNulls), TEXT, length, 1].forEach((word, i) => array.writeInt32BE(word, 4 * i));
  return HEADER;
}

/** No dimension at all. */
const EMPTY = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, TEXT]);
