/** RFC 5321, 4.5.3.1.3: a path of 256 octets, its two brackets taken off. */
export const MAX_EMAIL = 254;

const MAX_LOCAL_PART = 64;
const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** Whether this is one `dot-atom@domain` of RFC 5322: ASCII, no quotes, no comments, no address literal. */
export function isEmail(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_EMAIL) return false;
  const at = value.lastIndexOf('@');
  const local = value.slice(0, at);
  const labels = value.slice(at + 1).split('.');
  return (
    at > 0 &&
    local.length <= MAX_LOCAL_PART &&
    LOCAL_PART.test(local) &&
    labels.length >= 2 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1)!)
  );
}
